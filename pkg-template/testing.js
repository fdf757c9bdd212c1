/** For those who write a journal: its contract as test cases, a journal in memory, and one that fails on purpose. */
export { FaultyJournal } from "./faulty-journal.js";
export { journalCases } from "./journal-cases.js";
export { MemoryJournal, MemoryMedium } from "./memory-journal.js";
