// Nothing: what every process takes.
