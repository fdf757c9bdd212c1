//! Telling of commits again, to those who watch.

use std::ops::ControlFlow;

use super::keys;
use super::pages::{is_one_of, records};
use super::values::{Record, corrupt, read_number};
use super::view::View;
use crate::{ChangeKind, Cid, Commit, CommitFilter, Result, id};

/// How many nodes and commits one call looks at. (One commit is told in one go, however large.)
const LOOKED_AT: u64 = 1 << 13;

/// What came of looking for a commit.
pub(super) enum Found {
    Commit(Commit),
    /// Nothing, up to the commit with this sequence number.
    NothingUpTo(u64),
}

impl View<'_> {
    /// Looks for the first commit after this one that has something for the filter.
    pub(super) fn commit_after(&self, after: u64, filter: &CommitFilter) -> Result<Found> {
        let scope = match &filter.scope_id {
            None => None,
            Some(name) => Some(self.scope_number(name)?),
        };
        let passes = |record: &Record| {
            scope.is_none_or(|scope| scope == Some(record.scope))
                && filter
                    .event_types
                    .as_ref()
                    .is_none_or(|types| !types.is_empty() && is_one_of(types, &record.event_type))
        };
        let wants = |kind| filter.only.is_none_or(|only| only == kind);
        let (mut sequence, mut looked_at) = (after, 0);
        while sequence < self.whole.sequence && looked_at < LOOKED_AT {
            sequence += 1;
            let commit = self.commit_record(sequence)?;
            looked_at =
                commit.inserted.saturating_add(commit.removed).saturating_add(looked_at + 1);
            let mut inserted: Vec<Cid> = Vec::new();
            if wants(ChangeKind::Inserted) {
                let ordinals = commit.first..commit.first.saturating_add(commit.inserted);
                self.scan(&records(&ordinals), false, |_, value| {
                    let (record, _) = Record::read(value)?;
                    inserted.extend(passes(&record).then(|| id::cid_of(&record.digest)));
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            let mut removed = Vec::new();
            if wants(ChangeKind::Removed) && commit.removed > 0 {
                let mut ordinals = Vec::new();
                let first = keys::removed(sequence, 0);
                self.scan(&keys::with_prefix(&first[..9]), false, |_, value| {
                    ordinals.push(read_number(value)?);
                    Ok(ControlFlow::Continue(()))
                })?;
                self.each_record(&ordinals, |_, record, _| {
                    removed.extend(passes(record).then(|| id::cid_of(&record.digest)));
                    Ok(())
                })?;
            }
            if !inserted.is_empty() || !removed.is_empty() {
                let told = Commit::new(sequence, commit.id.into(), inserted, removed);
                return Ok(Found::Commit(told.with_state_hash(commit.state_hash.into())));
            }
        }
        Ok(Found::NothingUpTo(sequence))
    }

    /// Whether a node with one of these ordinals was removed after this commit.
    pub(super) fn has_lost_since(
        &self,
        commit: u64,
        is_one: impl Fn(u64, &Record) -> bool,
    ) -> Result<bool> {
        let first = keys::removed(commit.saturating_add(1), 0);
        let mut lost = false;
        self.scan(&(first.to_vec()..keys::up_to_end_of(&first[..1])), false, |_, value| {
            let ordinal = read_number(value)?;
            let record = self.get(&keys::record(ordinal))?.ok_or_else(corrupt)?;
            lost = is_one(ordinal, &Record::read(&record)?.0);
            Ok(if lost { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(lost)
    }
}
