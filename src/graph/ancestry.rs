//! Whether one node is an ancestor of another.
//!
//! Each node has a *spine*: the node itself, then its first parent of the highest generation, the
//! first such parent of that, and so on to a root. Every step goes down by exactly one generation, so
//! a spine has one node of each, and with [`Graph::jump`] that is found in a logarithm of the steps
//! (E. W. Myers, "An applicative random-access stack", 1983). Of a chain it is the whole past, of
//! most histories the main line.
//!
//! For the rest, two searches take turns within the generations between the two nodes: up from the
//! ancestor, until it comes to the descendant's spine, and down from the descendant, until it comes to
//! a spine with the ancestor on it. It takes at most about twice the work of the cheaper one; at
//! worst that is to look at all nodes between the two generations.

use super::Graph;
use super::frontier::{Frontier, Way};
use crate::Result;
use crate::pace::Pace;

/// Come to along a spine that was looked at.
const ON_SPINE: u32 = 1;

/// What it costs to look for a node on a spine, when to come to a node costs 1.
const SPINE: usize = 8;

/// How many nodes of a spine are written down at first, and at most.
const FIRST: u32 = 1 << 4;
const MOST: u32 = 1 << 10;

/// Whether there is a way from a node to its descendant. A node is its own ancestor.
pub(crate) async fn is_ancestor<G: Graph>(
    graph: &G,
    ancestor: G::Node,
    descendant: G::Node,
    pace: &mut Pace,
) -> Result<bool> {
    if ancestor == descendant {
        return Ok(true);
    }
    let [lowest, highest] = [ancestor, descendant].map(|node| graph.generation(node));
    if lowest >= highest {
        return Ok(false);
    }
    if on_spine(graph, descendant, lowest) == ancestor {
        return Ok(true);
    }

    let mut spine = Spine { graph, of: descendant, from: 0, nodes: Vec::new(), count: FIRST };
    let mut up = Frontier::new(Way::Up);
    up.push(graph, ancestor, 0, 0)?;
    let mut down = Frontier::new(Way::Down);
    down.push(graph, descendant, ON_SPINE, 0)?;
    let (mut work_up, mut work_down) = (0, 0);
    while let (Some(next_up), Some(next_down)) = (up.peek(), down.peek()) {
        // A node may have a million children: the search that has done less goes on, with its next
        // step counted.
        let cost_up = 1 + graph.degrees(next_up.node).1;
        let cost_down = 1 + graph.degrees(next_down.node).0;
        if work_up + cost_up <= work_down + cost_down {
            work_up += cost_up;
            let Some(taken) = up.pop(|_| {}) else { break };
            if spine.has(taken.node) {
                return Ok(true);
            }
            for child in graph.children(taken.node) {
                if child == descendant {
                    return Ok(true);
                }
                if graph.generation(child) < highest {
                    up.push(graph, child, 0, 0)?;
                }
            }
            pace.worked(cost_up).await?;
        } else {
            work_down += cost_down;
            let Some(taken) = down.pop(|_| {}) else { break };
            if taken.bits & ON_SPINE == 0 {
                work_down += SPINE;
                if on_spine(graph, taken.node, lowest) == ancestor {
                    return Ok(true);
                }
            }
            let next = spine_parent(graph, taken.node);
            for parent in graph.parents(taken.node) {
                if parent == ancestor {
                    return Ok(true);
                }
                if graph.generation(parent) > lowest {
                    let bits = if next == Some(parent) { ON_SPINE } else { 0 };
                    down.push(graph, parent, bits, 0)?;
                }
            }
            pace.worked(cost_down).await?;
        }
    }
    Ok(false)
}

/// The parent that a node's spine goes on with.
fn spine_parent<G: Graph>(graph: &G, node: G::Node) -> Option<G::Node> {
    let below = graph.generation(node).checked_sub(1)?;
    graph.parents(node).find(|parent| graph.generation(*parent) == below)
}

/// The node of this generation on the spine of a node that has this generation or a higher one.
fn on_spine<G: Graph>(graph: &G, node: G::Node, generation: u32) -> G::Node {
    let mut at = node;
    while graph.generation(at) > generation {
        let jump = graph.jump(at);
        at = if jump != at && graph.generation(jump) >= generation {
            jump
        } else {
            // A node above generation 0 has a parent one below.
            let Some(parent) = spine_parent(graph, at) else { break };
            parent
        };
    }
    at
}

/// A spine, written down in part: where a search comes to it once, it soon comes to it again.
struct Spine<'a, G: Graph> {
    graph: &'a G,
    of: G::Node,
    /// The generation of the first that is written down; the others are one higher each.
    from: u32,
    nodes: Vec<G::Node>,
    /// How many these are, about.
    count: u32,
}

impl<G: Graph> Spine<'_, G> {
    /// Whether it has this node, whose generation is none higher than that of the spine's own.
    fn has(&mut self, node: G::Node) -> bool {
        let generation = self.graph.generation(node);
        let place = |from: u32| generation.checked_sub(from).map(|place| place as usize);
        if place(self.from).is_none_or(|place| place >= self.nodes.len()) {
            self.write_down(generation);
        }
        place(self.from).and_then(|place| self.nodes.get(place)) == Some(&node)
    }

    fn write_down(&mut self, from: u32) {
        self.count = (2 * self.count).min(MOST);
        let highest = self.graph.generation(self.of).min(from.saturating_add(self.count));
        let mut at = on_spine(self.graph, self.of, highest);
        self.nodes.clear();
        self.nodes.push(at);
        while self.graph.generation(at) > from
            && let Some(parent) = spine_parent(self.graph, at)
        {
            self.nodes.push(parent);
            at = parent;
        }
        self.nodes.reverse();
        self.from = from;
    }
}
