//! Stores that each break one rule, to show that the suite notices.

use dag_store::{
    BoxFuture, BoxStream, CarWriter, Change, Changes, Cid, Commit, CommitFilter, CommitId,
    Condition, Cursor, DagError, DagNode, DagStore, ErrorKind, ExportQuery, Ipld, Limits,
    ListQuery, Order, Page, Proof, Result, Scope, Span, StateHash, ToCid as _, TreeAddress,
    TreeAnswer, TreePart, Verified, WalkPage, WalkQuery,
};
use futures::stream;
use std::collections::HashSet;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::plain::{PlainStore, State};
use crate::slow::give_way;

/// What is wrong with a store, and the checks that are meant to find it.
pub(crate) struct Defect {
    pub(crate) name: &'static str,
    pub(crate) caught_by: &'static [&'static str],
    wrong: Wrong,
}

/// What a broken store does in place of what is right.
#[allow(clippy::type_complexity, reason = "they are the methods of the store, with its state")]
enum Wrong {
    Commit(fn(&mut State, &Changes, &Limits) -> Result<Commit>),
    Nodes(fn(&State, &[Cid]) -> Result<Vec<Option<DagNode>>>),
    Presence(fn(&State, &[Cid]) -> Result<Vec<bool>>),
    Page(fn(&State, &ListQuery) -> Result<Page>),
    Count(fn(&State, &ListQuery) -> Result<u64>),
    Scopes(fn(&State, Option<&str>, usize) -> Vec<Scope>),
    Tree(fn(&State, &[TreeAddress]) -> Result<TreeAnswer>),
    Heads(fn(&State, Option<&str>) -> Vec<Cid>),
    Children(fn(&State, &Cid) -> Result<Vec<Cid>>),
    Roots(fn(&State, Option<&str>) -> Vec<Cid>),
    Walk(fn(&State, &WalkQuery) -> Result<WalkPage>),
    Ancestry(fn(&State, &Cid, &Cid) -> Result<bool>),
    Bases(fn(&State, &[Cid]) -> Result<Vec<Cid>>),
    Path(fn(&State, &Cid, &Cid) -> Result<Option<Vec<Cid>>>),
    Len(fn(&State, Option<&str>) -> Result<usize>),
    Hash(fn(&State, Option<&str>) -> StateHash),
    Proof(fn(&State, &Span) -> Proof),
    Export(fn(&State, &ExportQuery) -> Result<Vec<u8>>),
    Verify(fn(Verified) -> Verified),
    Sequence(fn(&State) -> u64),
    /// Finds what to tell a watcher.
    Telling(fn(&State, u64, &CommitFilter) -> Result<Option<Commit>>),
    /// What a watcher is told.
    Told(fn(Result<Commit>) -> Result<Commit>),
    Timing(Timing),
}

/// What goes wrong only when others come in between, or when nobody waits.
#[derive(Clone, Copy, PartialEq)]
enum Timing {
    /// Commits on a copy, and puts the copy in place later.
    LosesUpdates,
    /// Applies a commit in two halves.
    TearsCommits,
    /// Commits in another order than it is called.
    Reorders,
    /// Reads what was there before the last commit.
    ReadsThePast,
    /// Never works again after a read was dropped.
    NeedsReadsToEnd,
    /// Tells of each commit once, whoever asks.
    TellsOnce,
    /// Forgets the nodes first, and closes then.
    ClosesInTwoSteps,
    /// Exports what it finds when it comes to it.
    ExportsWhatItFinds,
    /// Goes on answering.
    NeverCloses,
}

const fn defect(name: &'static str, caught_by: &'static [&'static str], wrong: Wrong) -> Defect {
    Defect { name, caught_by, wrong }
}

pub(crate) static DEFECTS: &[Defect] = &[
    // ------------------------------------------------------------------------------------- nodes
    defect(
        "a store that loses every commit",
        &[
            "insert_returns_the_cid",
            "blocks_are_kept_as_they_came",
            "malformed_blocks_are_refused",
            "nothing_is_visible_before_commit",
            "commit_applies_everything",
            "any_store_stands_in_a_runtime",
            "imports_make_the_same_state",
            "imports_keep_to_the_limits",
            "copies_are_the_same",
            "copies_add_what_is_missing",
        ],
        Wrong::Commit(|state, changes, limits| state.clone().commit(changes, limits)),
    ),
    defect(
        "a store that gives nodes with another time",
        &[
            "get_gives_back_what_was_inserted",
            "ids_are_read_in_every_form",
            "batches_read_what_they_staged",
        ],
        Wrong::Nodes(|state, cids| {
            let mut nodes = get(state, cids);
            for node in nodes.iter_mut().flatten() {
                *node = node.to_builder()?.timestamp(node.timestamp() ^ 1).build()?;
            }
            Ok(nodes)
        }),
    ),
    defect(
        "a store that moves nodes that are inserted again",
        &["insert_again_changes_nothing", "staying_nodes_keep_their_place"],
        Wrong::Commit(|state, changes, limits| {
            let commit = state.commit(changes, limits)?;
            for change in changes.operations() {
                if let Change::Insert(node) = change {
                    state.place(node)?;
                }
            }
            Ok(commit)
        }),
    ),
    defect(
        "a store that tells all that was staged as new",
        &["commit_tells_what_was_new", "same_node_inserted_concurrently_is_new_once"],
        Wrong::Commit(|state, changes, limits| {
            let mut commit = state.commit(changes, limits)?;
            commit.inserted = changes.operations().filter_map(inserted).collect();
            Ok(commit)
        }),
    ),
    defect(
        "a store that tells all that was to go as removed",
        &["commit_tells_what_was_removed", "remove_of_the_unknown_is_false", "last_operation_wins"],
        Wrong::Commit(|state, changes, limits| {
            let mut commit = state.commit(changes, limits)?;
            commit.removed = changes.operations().filter_map(removed).collect();
            Ok(commit)
        }),
    ),
    defect(
        "a store that takes orphans",
        &[
            "missing_parent_refuses_the_insert",
            "commit_checks_the_store_as_it_is_then",
            "batches_leave_no_link_dangling",
            "imports_need_parents_and_roots",
        ],
        Wrong::Commit(|state, changes, limits| {
            despite(ErrorKind::MissingParent, state, changes, limits)
        }),
    ),
    defect(
        "a store that does not name the missing parent",
        &["missing_parent_refuses_the_insert"],
        Wrong::Commit(|state, changes, limits| {
            state.commit(changes, limits).map_err(|error| DagError::new(error.kind(), "no"))
        }),
    ),
    defect(
        "a store that looks for the first parent only",
        &["every_parent_counts"],
        Wrong::Commit(|state, changes, limits| {
            let first_is_there = |change: &Change| match change {
                Change::Insert(node) => node.parents().first().is_none_or(|parent| {
                    state.nodes.contains_key(parent) || changes.get(parent).is_some()
                }),
                Change::Remove(_) => true,
            };
            if changes.operations().all(first_is_there) {
                despite(ErrorKind::MissingParent, state, changes, limits)
            } else {
                state.commit(changes, limits)
            }
        }),
    ),
    defect(
        "a store that takes links in content for edges",
        &["links_in_content_are_no_edges"],
        Wrong::Heads(|state, scope| {
            let mut heads = state.heads(scope);
            for (_, node) in state.nodes.values() {
                if let Ok(Ipld::List(items)) = node.content() {
                    heads.retain(|cid| !items.contains(&Ipld::Link(*cid)));
                }
            }
            heads
        }),
    ),
    defect(
        "a store that overlooks the nonce",
        &["nonce_tells_events_apart"],
        Wrong::Commit(|state, changes, limits| {
            let plain = |change: &Change| match change {
                Change::Insert(node) => node.nonce().is_none(),
                Change::Remove(_) => true,
            };
            state.commit(&only(changes, plain)?, limits)
        }),
    ),
    defect(
        "a store that removes parents of what stays",
        &[
            "remove_of_a_parent_is_refused",
            "remove_takes_children_along",
            "removal_bares_the_parent",
            "no_race_leaves_a_link_dangling",
        ],
        Wrong::Commit(|state, changes, limits| {
            despite(ErrorKind::HasChildren, state, changes, limits)
        }),
    ),
    defect(
        "a store that removes no parents, even with their children",
        &["remove_takes_children_along"],
        Wrong::Commit(|state, changes, limits| {
            for cid in changes.operations().filter_map(removed) {
                if state.nodes.values().any(|(_, node)| node.parents().contains(&cid)) {
                    return Err(DagError::new(ErrorKind::HasChildren, "no").with_cid(cid));
                }
            }
            state.commit(changes, limits)
        }),
    ),
    defect(
        "a store that refuses to remove the unknown",
        &["remove_of_the_unknown_is_false", "commit_tells_what_was_removed"],
        Wrong::Commit(|state, changes, limits| {
            match changes
                .operations()
                .filter_map(removed)
                .find(|cid| !state.nodes.contains_key(cid))
            {
                Some(cid) => Err(DagError::new(ErrorKind::NotFound, "unknown").with_cid(cid)),
                None => state.commit(changes, limits),
            }
        }),
    ),
    defect(
        "a store that keeps what is removed",
        &["remove_takes_away", "last_operation_wins", "reads_see_the_writes_that_ended_before"],
        Wrong::Commit(|state, changes, limits| {
            let before = state.nodes.clone();
            let commit = state.commit(changes, limits)?;
            for cid in &commit.removed {
                state.nodes.extend(before.get(cid).map(|kept| (*cid, kept.clone())));
            }
            Ok(commit)
        }),
    ),
    defect(
        "a store that takes nothing once something was removed",
        &["removed_nodes_may_return", "returning_nodes_come_last"],
        Wrong::Commit(|state, changes, limits| {
            if state.next > state.nodes.len() as u64 && changes.block_bytes() > 0 {
                return Err(DagError::new(ErrorKind::Storage, "full of holes"));
            }
            state.commit(changes, limits)
        }),
    ),
    defect(
        "a store that skips numbers",
        &[
            "single_operations_are_batches_of_one",
            "commits_are_numbered",
            "open_batches_hold_no_lock",
        ],
        Wrong::Commit(|state, changes, limits| {
            let mut commit = state.commit(changes, limits)?;
            if !commit.is_empty() {
                state.sequence += 1;
                commit.sequence += 1;
            }
            Ok(commit)
        }),
    ),
    defect(
        "a store that finds the unknown an error",
        &["get_of_the_unknown_is_none", "many_are_answered_in_their_order"],
        Wrong::Nodes(|state, cids| {
            let found = get(state, cids);
            if found.contains(&None) {
                return Err(DagError::new(ErrorKind::NotFound, "unknown"));
            }
            Ok(found)
        }),
    ),
    defect(
        "a store that answers in an order of its own",
        &["many_are_answered_in_their_order"],
        Wrong::Nodes(|state, cids| {
            let mut sorted = cids.to_vec();
            sorted.sort();
            Ok(get(state, &sorted))
        }),
    ),
    defect(
        "a store that goes by the digest, whatever the codec",
        &["malformed_ids_are_refused"],
        Wrong::Nodes(|state, cids| {
            let nodes = cids.iter().map(|cid| get(state, &[Cid::new_v1(0x71, *cid.hash())]));
            Ok(nodes.flatten().collect())
        }),
    ),
    // ------------------------------------------------------------------------------------- order
    defect(
        "a store that places nodes as they were staged",
        &[
            "parents_are_placed_first",
            "staging_order_decides_among_the_ready",
            "any_staging_order_gives_a_topological_order",
            "many_are_staged_at_once",
        ],
        Wrong::Commit(|state, changes, limits| placing_anew(state, changes, limits, |_, new| new)),
    ),
    defect(
        "a store that places the last one first",
        &["staging_order_decides_among_the_ready", "opposite_operations_take_the_later_place"],
        Wrong::Commit(|state, changes, limits| {
            placing_anew(state, changes, limits, |commit, mut new| {
                // Parents first all the same.
                let rank = |node: &DagNode| {
                    commit
                        .inserted
                        .iter()
                        .rev()
                        .position(|cid| Ok(*cid) == node.cid().map_err(drop))
                };
                if new.iter().all(|node| node.parents().is_empty()) {
                    new.sort_by_key(rank);
                } else {
                    new.sort_by_key(|node| std::cmp::Reverse(rank(node)));
                    new.swap(0, 1);
                }
                new
            })
        }),
    ),
    defect(
        "a store that fills the places of those removed",
        &["returning_nodes_come_last"],
        Wrong::Commit(|state, changes, limits| {
            let commit = state.commit(changes, limits)?;
            for cid in &commit.inserted {
                let taken: HashSet<u64> = state.nodes.values().map(|(place, _)| *place).collect();
                let gap = (0..state.next).find(|place| !taken.contains(place));
                if let (Some(gap), Some(node)) = (gap, state.nodes.get_mut(cid)) {
                    node.0 = gap;
                }
            }
            Ok(commit)
        }),
    ),
    // ------------------------------------------------------------------------------------- lists
    defect(
        "a store that lists in the order of digests",
        &["lists_are_in_insertion_order", "lists_can_be_replayed_node_by_node"],
        Wrong::Page(|state, query| {
            let mut whole = copy(query);
            whole.limit = usize::MAX;
            let mut page = state.list_page(&whole)?;
            page.nodes.sort_by_key(|node| node.cid().ok());
            Ok(page)
        }),
    ),
    defect(
        "a store that lists by time in the order of insertion",
        &["lists_by_time_are_by_timestamp_then_digest"],
        Wrong::Page(|state, query| {
            if query.order == Order::Time && query.scope_id.is_some() {
                let mut other = copy(query);
                other.order = Order::Insertion;
                return state.list_page(&other);
            }
            state.list_page(query)
        }),
    ),
    defect(
        "a store that lists all scopes by time",
        &["order_by_time_needs_a_scope"],
        Wrong::Page(|state, query| {
            let mut query = copy(query);
            if query.scope_id.is_none() {
                query.order = Order::Insertion;
            }
            state.list_page(&query)
        }),
    ),
    defect(
        "a store that leaves the end of a time range out",
        &[
            "time_filters_are_inclusive",
            "filters_limits_and_cursors_never_change_the_order",
            "lists_are_asked_for_step_by_step",
        ],
        Wrong::Page(|state, query| {
            let mut query = copy(query);
            query.until = query.until.map(|until| until.saturating_sub(1));
            state.list_page(&query)
        }),
    ),
    defect(
        "a store that turns pages round, not the list",
        &["filters_limits_and_cursors_never_change_the_order"],
        Wrong::Page(|state, query| {
            let mut forwards = copy(query);
            forwards.reverse = false;
            let mut page = state.list_page(&forwards)?;
            if query.reverse {
                page.nodes.reverse();
            }
            Ok(page)
        }),
    ),
    defect(
        "a store that gives one node more than a page has",
        &["pages_keep_their_limit"],
        Wrong::Page(|state, query| {
            let mut longer = copy(query);
            longer.limit = query.limit.saturating_add(1);
            state.list_page(&longer)
        }),
    ),
    defect(
        "a store whose cursors are lost as text",
        &["cursors_survive_as_text"],
        Wrong::Page(|state, query| {
            let mut page = state.list_page(query)?;
            page.next = page.next.map(|_| Cursor::new(""));
            Ok(page)
        }),
    ),
    defect(
        "a store whose cursors count nodes",
        &["cursors_stay_valid_while_others_write", "lists_hold_while_others_write"],
        Wrong::Page(|state, query| {
            let read = query.cursor.as_ref().and_then(|cursor| cursor.as_str().parse().ok());
            let read: usize = read.unwrap_or(0);
            let mut whole = copy(query);
            whole.cursor = None;
            whole.limit = usize::MAX;
            let nodes = state.list_page(&whole)?.nodes;
            let end = nodes.len().min(read + query.limit);
            let next = (end < nodes.len()).then(|| Cursor::new(end.to_string()));
            Ok(Page { nodes: nodes[read.min(end)..end].to_vec(), next })
        }),
    ),
    defect(
        "a store whose cursors are nodes",
        &["cursors_outlive_their_node"],
        Wrong::Page(|state, query| {
            let mut plain = copy(query);
            plain.limit = usize::MAX;
            plain.cursor = None;
            let nodes = state.list_page(&plain)?.nodes;
            let is = |node: &DagNode, cursor: &Cursor| {
                node.cid().is_ok_and(|cid| cid.to_string() == cursor.as_str())
            };
            let from = match &query.cursor {
                None => 0,
                Some(cursor) => match nodes.iter().position(|node| is(node, cursor)) {
                    Some(at) => at + 1,
                    None => return Err(DagError::new(ErrorKind::InvalidArgument, "unknown")),
                },
            };
            let end = nodes.len().min(from.saturating_add(query.limit));
            let page = nodes[from..end].to_vec();
            let last = page.last().filter(|_| end < nodes.len());
            let next = last.map(DagNode::cid).transpose()?.map(|cid| Cursor::new(cid.to_string()));
            Ok(Page { nodes: page, next })
        }),
    ),
    defect(
        "a store that finds an empty list an error",
        &["lists_may_be_empty"],
        Wrong::Page(|state, query| {
            let page = state.list_page(query)?;
            if page.nodes.is_empty() && query.scope_id.is_some() {
                return Err(DagError::new(ErrorKind::NotFound, "no such scope"));
            }
            Ok(page)
        }),
    ),
    defect(
        "a store that takes one commit too many for new",
        &["lists_begin_after_a_commit"],
        Wrong::Page(|state, query| {
            let mut query = copy(query);
            query.after_commit = query.after_commit.map(|commit| commit.saturating_sub(1));
            state.list_page(&query)
        }),
    ),
    defect(
        "a store that lists nothing after a commit that is yet to come",
        &["lists_begin_after_a_commit"],
        Wrong::Page(|state, query| {
            let mut query = copy(query);
            query.after_commit = query.after_commit.map(|commit| commit.min(state.sequence));
            state.list_page(&query)
        }),
    ),
    // ------------------------------------------------------------------------------------- graph
    defect(
        "a store where every node is a head",
        &["heads_have_no_child", "chains_form_concurrently"],
        Wrong::Heads(|state, scope| {
            state.in_order(scope).into_iter().filter_map(|(_, node)| node.cid().ok()).collect()
        }),
    ),
    defect(
        "a store where a scope's heads are heads of the store",
        &["heads_of_a_scope_have_no_child_in_it", "heads_and_lengths_follow_every_commit"],
        Wrong::Heads(|state, scope| {
            let of_scope = |cid: &Cid| {
                scope.is_none_or(|scope| {
                    state.nodes.get(cid).is_some_and(|(_, node)| node.scope_id() == scope)
                })
            };
            state.heads(None).into_iter().filter(of_scope).collect()
        }),
    ),
    defect(
        "a store that gives heads in the order of digests",
        &["heads_are_in_insertion_order"],
        Wrong::Heads(|state, scope| {
            let mut heads = state.heads(scope);
            heads.sort();
            heads
        }),
    ),
    defect(
        "a store where a parent once is a parent for ever",
        &["removal_bares_the_parent"],
        Wrong::Heads(|state, scope| {
            let mut heads = state.heads(scope);
            if state.next > state.nodes.len() as u64 {
                heads.retain(|cid| state.nodes[cid].1.parents().len() == 1);
            }
            heads
        }),
    ),
    defect(
        "a store that counts all scopes as one",
        &["lengths_count_nodes"],
        Wrong::Len(|state, _| Ok(state.nodes.len())),
    ),
    defect(
        "a store that takes a scope's beginning for the scope",
        &["unknown_scopes_are_empty"],
        Wrong::Len(|state, scope| {
            let of_scope =
                |node: &DagNode| scope.is_none_or(|scope| node.scope_id().starts_with(scope));
            Ok(state.nodes.values().filter(|(_, node)| of_scope(node)).count())
        }),
    ),
    defect(
        "a store that knows no scope that is empty",
        &["unknown_scopes_are_empty"],
        Wrong::Len(|state, scope| match state.in_order(scope).len() {
            0 if scope.is_some() => Err(DagError::new(ErrorKind::NotFound, "no such scope")),
            length => Ok(length),
        }),
    ),
    // ----------------------------------------------------------------------------------- batches
    defect(
        "a store that applies half of a batch",
        &[
            "commit_applies_everything",
            "many_are_staged_at_once",
            "competing_batches_add_up",
            "competing_batches_commit_at_once",
        ],
        Wrong::Commit(|state, changes, limits| {
            let (first, _) = halves(changes)?;
            state.commit(&first, limits)
        }),
    ),
    defect(
        "a store that applies what it can",
        &["commit_applies_nothing_where_one_operation_fails"],
        Wrong::Commit(|state, changes, limits| {
            state.commit(changes, limits).inspect_err(|_| {
                for change in changes.operations() {
                    let one = only(changes, |other| std::ptr::eq(other, change));
                    drop(one.and_then(|one| state.commit(&one, limits)));
                }
            })
        }),
    ),
    defect(
        "a store that counts batches without effect",
        &["batches_without_effect_make_no_commit", "insert_again_changes_nothing"],
        Wrong::Commit(|state, changes, limits| {
            let mut commit = state.commit(changes, limits)?;
            if commit.is_empty() && state.sequence > 0 {
                state.sequence += 1;
                commit.sequence = state.sequence;
            }
            Ok(commit)
        }),
    ),
    defect(
        "a store that gives commits ids of its own",
        &["commits_have_their_id", "imports_keep_to_their_conditions"],
        Wrong::Commit(|state, changes, limits| {
            let mut commit = state.commit(changes, limits)?;
            commit.id = CommitId::random();
            Ok(commit)
        }),
    ),
    defect(
        "a store that gives all commits one id",
        &["commits_have_their_id"],
        Wrong::Commit(|state, changes, limits| {
            let mut commit = state.commit(changes, limits)?;
            commit.id = changes.id().unwrap_or(CommitId::from([7; 16]));
            Ok(commit)
        }),
    ),
    defect(
        "a store that tells the state hash before the commit",
        &["commits_tell_the_state_hash", "replay_gives_the_same_hash_after_every_commit"],
        Wrong::Commit(|state, changes, limits| {
            let before = state.state_hash(None);
            Ok(state.commit(changes, limits)?.with_state_hash(before))
        }),
    ),
    // -------------------------------------------------------------------------------- conditions
    defect(
        "a store that does not look at its heads",
        &["heads_of_the_store_are_a_condition", "one_of_many_rivals_succeeds"],
        Wrong::Commit(|state, changes, limits| {
            under(state, changes, limits, |state, condition| {
                matches!(condition, Condition::Heads { scope_id: None, .. })
                    || state.meets(condition)
            })
        }),
    ),
    defect(
        "a store that takes the heads of a scope for its own",
        &["heads_of_a_scope_are_a_condition"],
        Wrong::Commit(|state, changes, limits| {
            under(state, changes, limits, |state, condition| match condition {
                Condition::Heads { heads, .. } => {
                    state.meets(&Condition::Heads { scope_id: None, heads: heads.clone() })
                }
                _ => state.meets(condition),
            })
        }),
    ),
    defect(
        "a store that minds the order of heads",
        &["heads_are_compared_as_a_set"],
        Wrong::Commit(|state, changes, limits| {
            under(state, changes, limits, |state, condition| match condition {
                Condition::Heads { scope_id, heads } => state.heads(scope_id.as_deref()) == *heads,
                _ => state.meets(condition),
            })
        }),
    ),
    defect(
        "a store that does not look at its state hash",
        &["the_state_hash_is_a_condition"],
        Wrong::Commit(|state, changes, limits| {
            under(state, changes, limits, |state, condition| {
                matches!(condition, Condition::StateHash(_)) || state.meets(condition)
            })
        }),
    ),
    defect(
        "a store that does not look for what shall be absent",
        &["absence_is_a_condition"],
        Wrong::Commit(|state, changes, limits| {
            under(state, changes, limits, |state, condition| {
                matches!(condition, Condition::Absent(_)) || state.meets(condition)
            })
        }),
    ),
    defect(
        "a store that looks at the first condition only",
        &["one_failing_condition_refuses_the_batch"],
        Wrong::Commit(|state, changes, limits| {
            let first = changes.conditions().first().cloned();
            let holds = first.is_none_or(|condition| state.meets(&condition));
            under(state, changes, limits, |_, _| holds)
        }),
    ),
    defect(
        "a store that looks at conditions after the batch",
        &[
            "conditions_are_about_the_store_before",
            "absence_is_a_condition",
            "imports_keep_to_their_conditions",
        ],
        Wrong::Commit(|state, changes, limits| {
            let mut after = state.clone();
            let commit = under(&mut after, changes, limits, |_, _| true)?;
            if !changes.conditions().iter().all(|condition| after.meets(condition)) {
                return Err(DagError::new(ErrorKind::ConditionFailed, "not after"));
            }
            *state = after;
            Ok(commit)
        }),
    ),
    defect(
        "a store that looks at conditions only where something changes",
        &["conditions_bind_batches_without_effect"],
        Wrong::Commit(|state, changes, limits| {
            let changes_something =
                !under(&mut state.clone(), changes, limits, |_, _| true)?.is_empty();
            under(state, changes, limits, |state, condition| {
                !changes_something || state.meets(condition)
            })
        }),
    ),
    // ------------------------------------------------------------------------------------ limits
    defect(
        "a store that takes blocks of any size",
        &["block_bytes_are_limited", "usual_limits_hold_on_both_sides"],
        Wrong::Commit(|state, changes, limits| {
            state.commit(changes, &limits.clone().with_block_bytes(usize::MAX))
        }),
    ),
    defect(
        "a store that takes any number of parents",
        &["parents_are_limited", "usual_limits_hold_on_both_sides"],
        Wrong::Commit(|state, changes, limits| {
            state.commit(changes, &limits.clone().with_parents(usize::MAX))
        }),
    ),
    defect(
        "a store that takes any nesting",
        &["nesting_is_limited", "usual_limits_hold_on_both_sides"],
        Wrong::Commit(|state, changes, limits| {
            state.commit(changes, &limits.clone().with_content_depth(usize::MAX))
        }),
    ),
    defect(
        "a store that takes any number of operations",
        &["batch_operations_are_limited"],
        Wrong::Commit(|state, changes, limits| {
            state.commit(changes, &limits.clone().with_batch_operations(usize::MAX))
        }),
    ),
    defect(
        "a store that takes batches of any size",
        &["batch_bytes_are_limited"],
        Wrong::Commit(|state, changes, limits| {
            state.commit(changes, &limits.clone().with_batch_bytes(usize::MAX))
        }),
    ),
    defect(
        "a store that takes less than its limits",
        &[
            "block_bytes_are_limited",
            "batch_operations_are_limited",
            "batch_bytes_are_limited",
            "usual_limits_hold_on_both_sides",
        ],
        Wrong::Commit(|state, changes, limits| {
            let mut less = limits.clone();
            less.block_bytes -= 1;
            less.batch_bytes -= 1;
            less.batch_operations -= 1;
            state.commit(changes, &less)
        }),
    ),
    // ------------------------------------------------------------------------------------ hashes
    defect(
        "a store with a state hash of its own",
        &["state_hashes_are_those_of_the_specification", "state_hash_follows_every_commit"],
        Wrong::Hash(|state, scope| mixed(state.state_hash(scope), 1)),
    ),
    defect(
        "a store whose state hash tells the order of arrival",
        &["order_of_arrival_leaves_no_trace"],
        Wrong::Hash(|state, scope| {
            let first = state.in_order(scope).first().and_then(|(_, node)| node.cid().ok());
            mixed(state.state_hash(scope), first.map_or(0, |cid| cid.hash().digest()[0]))
        }),
    ),
    defect(
        "a store whose state hash remembers what is gone",
        &["removed_nodes_leave_no_trace", "removed_nodes_may_return"],
        Wrong::Hash(|state, scope| {
            let gone = state.next - state.nodes.len() as u64;
            mixed(state.state_hash(scope), u8::try_from(gone % 251).unwrap_or(1))
        }),
    ),
    defect(
        "a store whose state hash is of how many there are",
        &["different_sets_have_different_hashes", "every_field_counts"],
        Wrong::Hash(|state, scope| {
            mixed(
                StateHash::from([0; 32]),
                u8::try_from(state.in_order(scope).len()).unwrap_or(255),
            )
        }),
    ),
    defect(
        "a store whose scope hashes are those of the store",
        &["scope_hashes_depend_on_their_scope_alone", "scope_hashes_bind_the_name"],
        Wrong::Hash(|state, _| state.state_hash(None)),
    ),
    defect(
        "a store where what is empty hashes to zeros",
        &["scope_hashes_bind_the_name", "fresh_stores_are_empty"],
        Wrong::Hash(|state, scope| match state.in_order(scope).len() {
            0 => StateHash::from([0; 32]),
            _ => state.state_hash(scope),
        }),
    ),
    defect(
        "a store that cuts timestamps to 32 bits",
        &["hostile_keys_are_hashed_like_others"],
        Wrong::Hash(|state, scope| {
            let late = state.nodes.values().any(|(_, node)| node.timestamp() >> 32 != 0);
            mixed(state.state_hash(scope), u8::from(late))
        }),
    ),
    defect(
        "a store that miscounts what it verified",
        &["verify_counts_what_it_checked"],
        Wrong::Verify(|found| Verified { links: found.links + 1, ..found }),
    ),
    defect(
        "a store that verifies another state hash",
        &["verify_counts_what_it_checked"],
        Wrong::Verify(|found| Verified { state_hash: mixed(found.state_hash, 1), ..found }),
    ),
    // ------------------------------------------------------------------------------------- graph
    defect(
        "a store that gives the youngest child first",
        &["children_are_in_insertion_order"],
        Wrong::Children(|state, cid| {
            let mut children = state.children(cid)?;
            children.reverse();
            Ok(children)
        }),
    ),
    defect(
        "a store whose roots are not told apart by scope",
        &["roots_have_no_parent"],
        Wrong::Roots(|state, _| state.roots(None)),
    ),
    defect(
        "a store that leaves the starts out",
        &["walks_reach_all_and_nothing_else", "walks_keep_their_depth"],
        Wrong::Walk(|state, query| {
            let mut page = state.walk_page(query)?;
            page.cids.retain(|cid| !query.starts.contains(cid));
            Ok(page)
        }),
    ),
    defect(
        "a store that counts depth from the last of the starts",
        &["walks_keep_their_depth"],
        Wrong::Walk(|state, query| match query.depth {
            Some(depth) if query.starts.len() > 1 => {
                let mut nearer = query.clone();
                nearer.depth = Some(depth.saturating_sub(1));
                state.walk_page(&nearer)
            }
            _ => state.walk_page(query),
        }),
    ),
    defect(
        "a store that excludes no more than is named",
        &["walks_leave_out_what_is_excluded"],
        Wrong::Walk(|state, query| {
            let mut all = query.clone();
            let excluded = std::mem::take(&mut all.excluding);
            let mut page = state.walk_page(&all)?;
            page.cids.retain(|cid| !excluded.contains(cid));
            Ok(page)
        }),
    ),
    defect(
        "a store that walks as the nodes came",
        &["walks_have_one_order", "walks_of_all_have_one_order"],
        Wrong::Walk(|state, query| {
            let mut page = state.walk_page(query)?;
            page.cids.sort_by_key(|cid| state.nodes.get(cid).map(|(place, _)| *place));
            Ok(page)
        }),
    ),
    defect(
        "a store whose walks don't pass through what they don't give",
        &["filters_choose_among_what_is_walked"],
        Wrong::Walk(|state, query| {
            let mut unfiltered = query.clone();
            let scope = unfiltered.scope_id.take();
            let mut page = state.walk_page(&unfiltered)?;
            let of_scope = |cid: &Cid| {
                let node = state.nodes.get(cid);
                scope.is_none()
                    || node.is_some_and(|(_, node)| Some(node.scope_id()) == scope.as_deref())
            };
            let passed = page.cids.iter().take_while(|cid| of_scope(cid)).count();
            page.cids.truncate(passed);
            Ok(page)
        }),
    ),
    defect(
        "a store that overlooks the types",
        &["filters_choose_among_what_is_walked"],
        Wrong::Walk(|state, query| {
            let mut of_all = query.clone();
            of_all.event_types.clear();
            state.walk_page(&of_all)
        }),
    ),
    defect(
        "a store that walks on from the beginning",
        &["walks_go_on_where_they_ended", "walks_stand_writers"],
        Wrong::Walk(|state, query| {
            let mut anew = query.clone();
            anew.cursor = None;
            state.walk_page(&anew)
        }),
    ),
    defect(
        "a store that begins anew where it can't read the cursor",
        &["walks_refuse_foreign_cursors"],
        Wrong::Walk(|state, query| match state.walk_page(query) {
            Err(error) if error.kind() == ErrorKind::InvalidArgument => {
                let mut anew = query.clone();
                anew.cursor = None;
                state.walk_page(&anew)
            }
            result => result,
        }),
    ),
    defect(
        "a store that passes over unknown starts",
        &["unknown_nodes_are_not_found"],
        Wrong::Walk(|state, query| {
            let mut known = query.clone();
            known.starts.retain(|cid| state.nodes.contains_key(cid));
            state.walk_page(&known)
        }),
    ),
    defect(
        "a store in which no node is its own ancestor",
        &["ancestry_is_reachability"],
        Wrong::Ancestry(|state, ancestor, descendant| {
            Ok(ancestor != descendant && state.is_ancestor(ancestor, descendant)?)
        }),
    ),
    defect(
        "a store that gives common ancestors that aren't the best",
        &["merge_bases_are_the_best_common_ancestors"],
        Wrong::Bases(|state, cids| {
            let bases = state.merge_bases(cids)?;
            let mut query = WalkQuery::default();
            (query.starts, query.limit) = (bases, usize::MAX);
            Ok(state.walk_page(&query)?.cids)
        }),
    ),
    defect(
        "a store that looks at two of many nodes",
        &["merge_bases_are_the_best_common_ancestors"],
        Wrong::Bases(|state, cids| state.merge_bases(&cids[..cids.len().min(2)])),
    ),
    defect(
        "a store whose paths go one way only",
        &["paths_are_the_shortest"],
        Wrong::Path(
            |state, from, to| {
                if state.is_ancestor(from, to)? { state.path(from, to) } else { Ok(None) }
            },
        ),
    ),
    defect(
        "a store whose paths go by the last parents",
        &["paths_are_the_shortest"],
        Wrong::Path(|state, from, to| state.path_by(from, to, true)),
    ),
    // ------------------------------------------------------------------------------------ proofs
    defect(
        "a store whose proofs are empty",
        &["what_is_there_is_proved", "what_is_not_there_is_proved", "ranges_are_proved_whole"],
        Wrong::Proof(|state, _| Proof::new(state.state_hash(None), Vec::new())),
    ),
    defect(
        "a store that proves ranges without their last moment",
        &["ranges_are_proved_whole"],
        Wrong::Proof(|state, span| {
            let (from, to) = (span.first().timestamp, span.last().timestamp);
            match Span::of_time(span.scope_id(), from..=to.saturating_sub(1)) {
                Ok(shorter) if span.first() != span.last() => state.prove(&shorter),
                _ => state.prove(span),
            }
        }),
    ),
    defect(
        "a store that proves what it held one node ago",
        &["proofs_are_of_the_state_as_it_is"],
        Wrong::Proof(|state, span| {
            let mut before = state.clone();
            let newest = before.nodes.iter().max_by_key(|(_, (place, _))| *place);
            if let Some(newest) = newest.map(|(cid, _)| *cid) {
                before.nodes.remove(&newest);
            }
            before.prove(span)
        }),
    ),
    defect(
        "a store whose proofs name another hash",
        &["proofs_are_of_the_state_as_it_is", "what_is_there_is_proved"],
        Wrong::Proof(|state, span| {
            let proof = state.prove(span);
            Proof::new(mixed(*proof.state_hash(), 1), proof.into_bytes())
        }),
    ),
    defect(
        "a store whose proofs tell what has come and gone",
        &["proofs_have_one_form"],
        Wrong::Proof(|state, span| {
            let proof = state.prove(span);
            let (hash, mut bytes) = (*proof.state_hash(), proof.into_bytes());
            bytes.extend((state.nodes.len() as u64..state.next).map(|_| 0));
            Proof::new(hash, bytes)
        }),
    ),
    // ------------------------------------------------------------------------- counts and scopes
    defect(
        "a store that counts time as if it ended before its last moment",
        &["counts_are_those_of_the_list"],
        Wrong::Count(|state, query| {
            let mut other = copy(query);
            other.until = query.until.map(|until| until.saturating_sub(1));
            state.count(&other)
        }),
    ),
    defect(
        "a store that counts no more than a page holds",
        &["counts_are_of_filters_alone"],
        Wrong::Count(|state, query| Ok(state.count(query)?.min(query.limit as u64))),
    ),
    defect(
        "a store that counts nothing after a commit that is yet to come",
        &["lists_begin_after_a_commit"],
        Wrong::Count(|state, query| match query.after_commit {
            Some(commit) if commit > state.sequence => Ok(0),
            _ => state.count(query),
        }),
    ),
    defect(
        "a store that tells scopes in the order of their lengths",
        &["scopes_are_told_with_their_counts"],
        Wrong::Scopes(|state, after, limit| {
            let mut scopes = state.scopes(after, limit);
            scopes.sort_by_key(|scope| scope.id.len());
            scopes
        }),
    ),
    defect(
        "a store that tells the scope again that its scopes are to come after",
        &["scopes_come_in_parts"],
        Wrong::Scopes(|state, after, limit| {
            let mut scopes = state.scopes(None, usize::MAX);
            scopes.retain(|scope| after.is_none_or(|after| *scope.id >= *after));
            scopes.truncate(limit);
            scopes
        }),
    ),
    // -------------------------------------------------------------------------------------- tree
    defect(
        "a store whose tree has the halves the wrong way round",
        &["the_tree_leads_to_every_node", "comparisons_find_what_differs"],
        Wrong::Tree(|state, places| {
            let mut answer = state.tree(places)?;
            for part in &mut answer.parts {
                if let TreePart::Inner { children, .. } = part {
                    children.reverse();
                }
            }
            Ok(answer)
        }),
    ),
    defect(
        "a store that answers with the part above where nothing is",
        &["every_place_has_its_part"],
        Wrong::Tree(|state, places| {
            let mut answer = state.tree(places)?;
            for (part, place) in answer.parts.iter_mut().zip(places) {
                if let (TreePart::Nothing, Some(bits)) = (&part, place.bits().checked_sub(1)) {
                    let above = place.narrowed(place.prefix(), bits)?;
                    *part = state.tree(&[above])?.parts.remove(0);
                }
            }
            Ok(answer)
        }),
    ),
    defect(
        "a store whose tree names another hash",
        &["the_tree_is_of_the_state_as_it_is", "common_parts_are_not_read"],
        Wrong::Tree(|state, places| {
            let answer = state.tree(places)?;
            Ok(TreeAnswer { state_hash: mixed(answer.state_hash, 1), ..answer })
        }),
    ),
    defect(
        "a store that reads any number of places",
        &["places_are_limited"],
        Wrong::Tree(|state, places| {
            let mut answer = state.tree(&[])?;
            for places in places.chunks(TreeAddress::MOST) {
                answer.parts.extend(state.tree(places)?.parts);
            }
            Ok(answer)
        }),
    ),
    defect(
        "a store whose tree is that of all scopes, whichever is asked about",
        &["scopes_are_compared_alone"],
        Wrong::Tree(|state, places| {
            let whole = |place: &TreeAddress| match place.bits() {
                0 => TreeAddress::scopes(),
                _ => place.clone(),
            };
            state.tree(&places.iter().map(whole).collect::<Vec<_>>())
        }),
    ),
    // ----------------------------------------------------------------------------------------- CAR
    defect(
        "a store that exports in the order of time",
        &["exports_hold_every_node"],
        Wrong::Export(|state, _| {
            let mut nodes = state.in_order(None);
            nodes.sort_by_key(|(_, node)| node.timestamp());
            let mut writer = CarWriter::new(&state.heads(None))?;
            for (_, node) in nodes {
                writer.write(node);
            }
            Ok(writer.take())
        }),
    ),
    defect(
        "a store that exports a scope with the heads of the store",
        &["exports_of_a_scope_hold_its_nodes"],
        Wrong::Export(|state, query| {
            let mut writer = CarWriter::new(&state.heads(None))?;
            let nodes = state.in_order(query.scope_id.as_deref());
            for (_, node) in nodes {
                writer.write(node);
            }
            Ok(writer.take())
        }),
    ),
    defect(
        "a store that exports what the reader has already",
        &["exports_of_a_past_hold_its_ancestors"],
        Wrong::Export(|state, query| {
            let mut query = query.clone();
            query.not_past_of.clear();
            state.export(&query)
        }),
    ),
    defect(
        "a store that exports one commit too many",
        &["exports_after_a_commit_hold_what_is_new"],
        Wrong::Export(|state, query| {
            let mut query = query.clone();
            query.after_commit = query.after_commit.map(|commit| commit.saturating_sub(1));
            state.export(&query)
        }),
    ),
    defect(
        "a store that exports nothing after a commit that is yet to come",
        &["exports_after_a_commit_hold_what_is_new"],
        Wrong::Export(|state, query| {
            let mut query = query.clone();
            query.after_commit = query.after_commit.map(|commit| commit.min(state.sequence));
            state.export(&query)
        }),
    ),
    defect(
        "a store that names the last of several nodes without a parent",
        &["imports_tell_where_a_parent_is_missing"],
        Wrong::Commit(|state, changes, limits| {
            state.commit(changes, limits).map_err(|error| {
                let parent = error.parent().copied();
                let orphans = changes.operations().filter(|change| match change {
                    Change::Insert(node) => node.parents().iter().any(|cid| Some(*cid) == parent),
                    Change::Remove(_) => false,
                });
                let last = orphans.filter_map(inserted).last();
                last.into_iter().fold(error, DagError::with_cid)
            })
        }),
    ),
    defect(
        "a store that exports no more than there are roots",
        &["exports_name_so_many_roots"],
        Wrong::Export(|state, _| {
            let nodes = state.in_order(None);
            let newest = &nodes[nodes.len().saturating_sub(CarWriter::MOST_ROOTS)..];
            let mut writer = CarWriter::new(&[])?;
            for (_, node) in newest {
                writer.write(node);
            }
            Ok(writer.take())
        }),
    ),
    defect(
        "a store that exports what it finds when it comes to it",
        &["exports_are_of_one_state"],
        Wrong::Timing(Timing::ExportsWhatItFinds),
    ),
    // --------------------------------------------------------------------- lifecycle, concurrency
    defect(
        "a store that claims to have everything",
        &["stores_share_nothing", "get_of_the_unknown_is_none", "imports_are_whole_or_nothing"],
        Wrong::Presence(|_, cids| Ok(vec![true; cids.len()])),
    ),
    defect(
        "a store that never closes",
        &[
            "closed_stores_refuse_everything",
            "closed_stores_refuse_questions",
            "batches_end_with_their_store",
            "lists_are_lazy",
        ],
        Wrong::Timing(Timing::NeverCloses),
    ),
    defect(
        "a store that loses updates",
        &[
            "ten_writers_insert_ten_nodes_each",
            "competing_batches_commit_at_once",
            "same_node_inserted_concurrently_is_new_once",
            "one_of_many_rivals_succeeds",
            "retried_conditions_serialize_writers",
            "no_race_leaves_a_link_dangling",
            "concurrent_commits_add_up",
            "chains_form_concurrently",
            "writes_take_effect_in_the_order_of_the_calls",
        ],
        Wrong::Timing(Timing::LosesUpdates),
    ),
    defect(
        "a store that tears commits",
        &[
            "readers_see_no_half_batch",
            "commits_dropped_at_any_poll_are_all_or_nothing",
            "batch_calls_dropped_at_any_poll_are_all_or_nothing",
            "dropped_futures_disturb_nobody",
        ],
        Wrong::Timing(Timing::TearsCommits),
    ),
    defect(
        "a store that reorders writes",
        &["writes_take_effect_in_the_order_of_the_calls"],
        Wrong::Timing(Timing::Reorders),
    ),
    defect(
        "a store that reads the past",
        &["reads_see_the_writes_that_ended_before"],
        Wrong::Timing(Timing::ReadsThePast),
    ),
    defect(
        "a store that does not stand dropped reads",
        &[
            "reads_dropped_at_any_poll_leave_the_store_working",
            "lists_dropped_half_way_leave_the_store_working",
            "questions_dropped_at_any_poll_leave_the_store_working",
            "dropped_futures_disturb_nobody",
        ],
        Wrong::Timing(Timing::NeedsReadsToEnd),
    ),
    defect(
        "a store that closes in two steps",
        &["close_dropped_at_any_poll_closes_or_does_not"],
        Wrong::Timing(Timing::ClosesInTwoSteps),
    ),
    // ---------------------------------------------------------------------------------- watching
    defect(
        "a store that counts the commits that did nothing",
        &["the_sequence_number_is_that_of_the_last_commit"],
        Wrong::Sequence(|state| state.sequence + 1),
    ),
    defect(
        "a store that leaves out every other commit",
        &["watchers_are_told_of_every_commit", "watchers_miss_nothing_beside_writers"],
        Wrong::Telling(|state, after, filter| {
            let next = after + u64::from(after < state.sequence && after % 2 == 0);
            state.commit_after(next, filter)
        }),
    ),
    defect(
        "a store that makes up the ids of old commits",
        &["watchers_are_told_of_every_commit"],
        Wrong::Told(|told| {
            let mut told = told?;
            told.id = CommitId::random();
            Ok(told)
        }),
    ),
    defect(
        "a store that tells watchers of the last commit again",
        &["watchers_from_now_on_are_told_of_what_follows"],
        Wrong::Telling(|state, after, filter| {
            state.commit_after(after.saturating_sub(u64::from(after == state.sequence)), filter)
        }),
    ),
    defect(
        "a store that does not let watchers wait",
        &["watchers_wait_for_what_they_want"],
        Wrong::Telling(|state, after, filter| match state.commit_after(after, filter)? {
            None => Err(DagError::new(ErrorKind::NotFound, "nothing yet")),
            told => Ok(told),
        }),
    ),
    defect(
        "a store that tells everybody of everything",
        &["watchers_are_told_of_what_they_want", "watchers_wait_for_what_they_want"],
        Wrong::Telling(|state, after, _| state.commit_after(after, &CommitFilter::default())),
    ),
    defect(
        "a store that forgets of what type the removed were",
        &["watchers_are_told_of_what_they_want"],
        Wrong::Telling(|state, after, filter| {
            let mut lenient = filter.clone();
            lenient.event_types = None;
            let all = state.commit_after(after, &lenient)?;
            let exact = state.commit_after(after, filter)?;
            Ok(match (all, exact) {
                (Some(all), Some(mut exact)) if all.sequence == exact.sequence => {
                    exact.removed = all.removed;
                    Some(exact)
                }
                (_, exact) => exact,
            })
        }),
    ),
    defect(
        "a store that tells of each commit once",
        &["watchers_who_leave_and_return_miss_nothing"],
        Wrong::Timing(Timing::TellsOnce),
    ),
    defect(
        "a store that takes what comes for the last that came",
        &["watching_from_the_future_is_refused"],
        Wrong::Telling(|state, after, filter| {
            state.commit_after(after.min(state.sequence.saturating_sub(1)), filter)
        }),
    ),
    defect(
        "a store that does not say what it has forgotten",
        &["the_past_is_told_whole_or_refused"],
        Wrong::Telling(|state, after, filter| {
            state.commit_after(after.max(state.sequence.saturating_sub(2)), filter)
        }),
    ),
    defect(
        "a store that ends as if it had failed",
        &["watching_ends_when_the_store_closes"],
        Wrong::Told(|told| told.map_err(|_| DagError::new(ErrorKind::Storage, "the end"))),
    ),
];

// ------------------------------------------------------------------------- what defects are made of

fn inserted(change: &Change) -> Option<Cid> {
    match change {
        Change::Insert(node) => node.cid().ok(),
        Change::Remove(_) => None,
    }
}

fn removed(change: &Change) -> Option<Cid> {
    match change {
        Change::Insert(_) => None,
        Change::Remove(cid) => Some(*cid),
    }
}

fn get(state: &State, cids: &[Cid]) -> Vec<Option<DagNode>> {
    cids.iter().map(|cid| state.nodes.get(cid).map(|(_, node)| node.clone())).collect()
}

fn copy(query: &ListQuery) -> ListQuery {
    query.clone()
}

fn mixed(hash: StateHash, with: u8) -> StateHash {
    let mut bytes = *hash.as_bytes();
    bytes[0] ^= with;
    StateHash::from(bytes)
}

/// Some of the operations, without conditions.
fn only(changes: &Changes, wanted: impl Fn(&Change) -> bool) -> Result<Changes> {
    let mut some = Changes::new();
    for change in changes.operations().filter(|change| wanted(change)) {
        match change {
            Change::Insert(node) => some.insert(node.clone()),
            Change::Remove(cid) => some.remove(*cid)?,
        }
    }
    changes.id().into_iter().for_each(|id| some.set_id(id));
    some.want_state_hash(changes.wants_state_hash());
    Ok(some)
}

/// The operations in two parts; a single one is in the first.
fn halves(changes: &Changes) -> Result<(Changes, Changes)> {
    let middle = changes.len().div_ceil(2);
    let first: Vec<&Change> = changes.operations().take(middle).collect();
    let is_first = |change: &Change| first.iter().any(|other| std::ptr::eq(*other, change));
    Ok((only(changes, is_first)?, only(changes, |change| !is_first(change))?))
}

/// Commits, and does what is asked for all the same where it should be refused for this reason.
fn despite(
    reason: ErrorKind,
    state: &mut State,
    changes: &Changes,
    limits: &Limits,
) -> Result<Commit> {
    match state.commit(changes, limits) {
        Err(error) if error.kind() == reason => {
            let gone: Vec<Cid> = changes
                .operations()
                .filter_map(removed)
                .filter(|cid| state.nodes.remove(cid).is_some())
                .collect();
            let mut new = Vec::new();
            for change in changes.operations() {
                if let Change::Insert(node) = change {
                    new.push(state.place(node)?);
                }
            }
            state.sequence += 1;
            Ok(Commit::new(
                state.sequence,
                changes.id().unwrap_or_else(CommitId::random),
                new,
                gone,
            ))
        }
        result => result,
    }
}

/// Commits under these conditions, as this understands them.
fn under(
    state: &mut State,
    changes: &Changes,
    limits: &Limits,
    holds: impl Fn(&State, &Condition) -> bool,
) -> Result<Commit> {
    if !changes.conditions().iter().all(|condition| holds(state, condition)) {
        return Err(DagError::new(ErrorKind::ConditionFailed, "a condition fails"));
    }
    state.commit(&only(changes, |_| true)?, limits)
}

/// Commits, and gives the new nodes places in another order: `order` makes it from the staging order.
fn placing_anew(
    state: &mut State,
    changes: &Changes,
    limits: &Limits,
    order: impl Fn(&Commit, Vec<DagNode>) -> Vec<DagNode>,
) -> Result<Commit> {
    let mut commit = state.commit(changes, limits)?;
    let staged = changes.operations().filter_map(inserted);
    let new: Vec<DagNode> = staged
        .filter(|cid| commit.inserted.contains(cid))
        .filter_map(|cid| Some(state.nodes.get(&cid)?.1.clone()))
        .collect();
    let new = if new.len() > 1 { order(&commit, new) } else { new };
    commit.inserted = new.iter().map(|node| state.place(node)).collect::<Result<_>>()?;
    Ok(commit)
}

// ------------------------------------------------------------------------------------- the store

/// A plain store with one defect.
pub(crate) struct BrokenStore {
    plain: PlainStore,
    defect: &'static Defect,
    calls: AtomicUsize,
    /// A read is under way, or was dropped.
    reading: AtomicBool,
    /// What there was before the last commit.
    past: std::sync::Mutex<State>,
    /// The last commit that a watcher was told of.
    told: AtomicU64,
}

impl BrokenStore {
    pub(crate) fn new(limits: Limits, defect: &'static Defect) -> Self {
        BrokenStore {
            plain: PlainStore::new(limits),
            defect,
            calls: AtomicUsize::new(0),
            reading: AtomicBool::new(false),
            past: std::sync::Mutex::default(),
            told: AtomicU64::new(0),
        }
    }

    fn has(&self, timing: Timing) -> bool {
        matches!(self.defect.wrong, Wrong::Timing(found) if found == timing)
    }

    async fn read<T>(&self, read: impl FnOnce(&State) -> Result<T>) -> Result<T> {
        if self.has(Timing::NeedsReadsToEnd) {
            if self.reading.swap(true, Ordering::SeqCst) {
                return Err(DagError::new(ErrorKind::Contended, "a read never ended"));
            }
            give_way(1).await;
            self.reading.store(false, Ordering::SeqCst);
        }
        if self.has(Timing::ReadsThePast) {
            let past = self.past.lock().map_err(|_| poisoned())?;
            return read(&past);
        }
        self.plain.with(|state| read(state))
    }

    async fn write(&self, changes: Changes) -> Result<Commit> {
        let limits = self.plain.limits();
        let commit = |state: &mut State| state.commit(&changes, limits);
        match self.defect.wrong {
            Wrong::Commit(wrong) => self.plain.with(|state| wrong(state, &changes, limits)),
            Wrong::Timing(Timing::LosesUpdates) => {
                let mut copy = self.plain.with(|state| Ok(state.clone()))?;
                let done = commit(&mut copy)?;
                give_way(1).await;
                self.plain.with(|state| {
                    *state = copy;
                    Ok(done)
                })
            }
            Wrong::Timing(Timing::TearsCommits) => {
                // Refused where all of it would be; else one half after the other.
                let done = self.plain.with(|state| state.clone().commit(&changes, limits))?;
                let (first, second) = halves(&changes)?;
                self.plain
                    .with(|state| despite(ErrorKind::MissingParent, state, &first, limits))?;
                give_way(1).await;
                self.plain.with(|state| {
                    despite(ErrorKind::MissingParent, state, &second, limits)?;
                    state.sequence = done.sequence;
                    Ok(done)
                })
            }
            Wrong::Timing(Timing::Reorders) => {
                give_way(self.calls.fetch_add(1, Ordering::SeqCst) % 2).await;
                self.plain.with(commit)
            }
            Wrong::Timing(Timing::ReadsThePast) => {
                let before = self.plain.with(|state| Ok(state.clone()))?;
                let done = self.plain.with(commit)?;
                if !done.is_empty() {
                    *self.past.lock().map_err(|_| poisoned())? = before;
                }
                Ok(done)
            }
            _ => self.plain.with(commit),
        }
    }
}

fn poisoned() -> DagError {
    DagError::new(ErrorKind::Storage, "a thread died")
}

impl Debug for BrokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.defect.name)
    }
}

#[deny(clippy::missing_trait_methods)]
impl DagStore for BrokenStore {
    fn limits(&self) -> &Limits {
        self.plain.limits()
    }

    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<Commit>> {
        Box::pin(self.write(changes))
    }

    fn sequence(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.read(|state| match self.defect.wrong {
            Wrong::Sequence(wrong) => Ok(wrong(state)),
            _ => Ok(state.sequence),
        }))
    }

    fn next_commit<'a>(
        &'a self,
        after: u64,
        filter: &'a CommitFilter,
    ) -> BoxFuture<'a, Result<Commit>> {
        Box::pin(async move {
            if self.has(Timing::TellsOnce) && after < self.told.load(Ordering::SeqCst) {
                return Err(DagError::new(ErrorKind::Compacted, "told already"));
            }
            let told = self.plain.wait_for(|state| match self.defect.wrong {
                Wrong::Telling(wrong) => wrong(state, after, filter),
                _ => state.commit_after(after, filter),
            });
            let told = told.await;
            if let Ok(commit) = &told {
                self.told.store(commit.sequence, Ordering::SeqCst);
            }
            match self.defect.wrong {
                Wrong::Told(wrong) => wrong(told),
                _ => told,
            }
        })
    }

    fn get_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Option<DagNode>>>> {
        Box::pin(self.read(|state| {
            if let Wrong::Nodes(wrong) = self.defect.wrong {
                return wrong(state, cids);
            }
            cids.iter().try_for_each(|cid| cid.to_cid().map(drop))?;
            Ok(get(state, cids))
        }))
    }

    fn has_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<bool>>> {
        Box::pin(self.read(|state| match self.defect.wrong {
            Wrong::Presence(wrong) => wrong(state, cids),
            _ => Ok(get(state, cids).iter().map(Option::is_some).collect()),
        }))
    }

    fn list_page<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<Page>> {
        Box::pin(self.read(|state| match self.defect.wrong {
            Wrong::Page(wrong) => wrong(state, query),
            _ => state.list_page(query),
        }))
    }

    fn count<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.read(|state| match self.defect.wrong {
            Wrong::Count(wrong) => wrong(state, query),
            _ => state.count(query),
        }))
    }

    fn scopes<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Scope>>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Scopes(wrong) => Ok(wrong(state, after, limit)),
            _ => Ok(state.scopes(after, limit)),
        }))
    }

    fn heads<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Heads(wrong) => Ok(wrong(state, scope_id)),
            _ => Ok(state.heads(scope_id)),
        }))
    }

    fn len<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Len(wrong) => Ok(wrong(state, scope_id)? as u64),
            _ => Ok(state.in_order(scope_id).len() as u64),
        }))
    }

    fn children<'a>(&'a self, cid: &'a Cid) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Children(wrong) => wrong(state, cid),
            _ => state.children(cid),
        }))
    }

    fn roots<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Roots(wrong) => Ok(wrong(state, scope_id)),
            _ => Ok(state.roots(scope_id)),
        }))
    }

    fn walk_page<'a>(&'a self, query: &'a WalkQuery) -> BoxFuture<'a, Result<WalkPage>> {
        Box::pin(self.read(|state| match self.defect.wrong {
            Wrong::Walk(wrong) => wrong(state, query),
            _ => state.walk_page(query),
        }))
    }

    fn is_ancestor<'a>(
        &'a self,
        ancestor: &'a Cid,
        descendant: &'a Cid,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Ancestry(wrong) => wrong(state, ancestor, descendant),
            _ => state.is_ancestor(ancestor, descendant),
        }))
    }

    fn merge_bases<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(self.read(|state| match self.defect.wrong {
            Wrong::Bases(wrong) => wrong(state, cids),
            _ => state.merge_bases(cids),
        }))
    }

    fn path<'a>(&'a self, from: &'a Cid, to: &'a Cid) -> BoxFuture<'a, Result<Option<Vec<Cid>>>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Path(wrong) => wrong(state, from, to),
            _ => state.path(from, to),
        }))
    }

    fn state_hash<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<StateHash>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Hash(wrong) => Ok(wrong(state, scope_id)),
            _ => Ok(state.state_hash(scope_id)),
        }))
    }

    fn prove_span<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Proof>> {
        Box::pin(self.read(move |state| match self.defect.wrong {
            Wrong::Proof(wrong) => Ok(wrong(state, span)),
            _ => Ok(state.prove(span)),
        }))
    }

    fn tree<'a>(&'a self, places: &'a [TreeAddress]) -> BoxFuture<'a, Result<TreeAnswer>> {
        Box::pin(self.read(|state| match self.defect.wrong {
            Wrong::Tree(wrong) => wrong(state, places),
            _ => state.tree(places),
        }))
    }

    fn export(self: Arc<Self>, query: ExportQuery) -> BoxStream<'static, Result<Vec<u8>>> {
        if self.has(Timing::ExportsWhatItFinds) {
            // Its header first, then a node at a time: whichever is the next one now.
            let next = async |(store, last): (Arc<Self>, Option<u64>)| {
                let chunk = store.plain.with(|state| {
                    let Some(last) = last else {
                        let header = CarWriter::new(&state.heads(None))?.take();
                        return Ok(Some((header, 0)));
                    };
                    let next = state.in_order(None).into_iter().find(|(place, _)| *place >= last);
                    let Some((place, node)) = next else { return Ok(None) };
                    let mut writer = CarWriter::new(&[])?;
                    drop(writer.take());
                    writer.write(node);
                    Ok(Some((writer.take(), place + 1)))
                });
                Ok(chunk?.map(|(chunk, last)| (chunk, (store, Some(last)))))
            };
            return Box::pin(stream::try_unfold((self, None), next));
        }
        Box::pin(stream::once(async move {
            self.read(|state| match self.defect.wrong {
                Wrong::Export(wrong) => wrong(state, &query),
                _ => state.export(&query),
            })
            .await
        }))
    }

    fn verify(&self) -> BoxFuture<'_, Result<Verified>> {
        Box::pin(self.read(|state| match self.defect.wrong {
            Wrong::Verify(wrong) => state.verify().map(wrong),
            _ => state.verify(),
        }))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            if self.has(Timing::NeverCloses) {
                return Ok(());
            }
            if self.has(Timing::ClosesInTwoSteps) {
                drop(self.plain.with(|state| {
                    state.nodes.clear();
                    Ok(())
                }));
                give_way(1).await;
            }
            self.plain.close().await
        })
    }
}
