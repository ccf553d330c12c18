//! Whether a build graph can run: every dependency is there and none leads back.

use std::collections::{HashMap, VecDeque};

use super::BatchTask;
use super::reader::Reader;
use crate::Diagnostic;

/// With how many builds a misspelt name is compared.
const MAX_COMPARED: usize = 50;

/// Takes time linear in tasks and dependencies.
pub(super) fn check(r: &mut Reader, tasks: &[BatchTask]) {
    let mut index: HashMap<&str, usize> = HashMap::new();
    for (i, task) in tasks.iter().enumerate() {
        index.entry(task.identifier.as_str()).or_insert(i);
    }
    let mut waiting: Vec<usize> = vec![0; tasks.len()];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (i, task) in tasks.iter().enumerate() {
        for name in &task.depend_on {
            match index.get(name.as_str()) {
                Some(before) => {
                    if let (Some(list), Some(count)) = (followers.get_mut(*before), waiting.get_mut(i)) {
                        list.push(i);
                        *count += 1;
                    }
                }
                None => {
                    let known = tasks.iter().take(MAX_COMPARED).map(|task| task.identifier.as_str());
                    let message = format!("'{}' depends on '{name}', which is no build of this graph", task.identifier);
                    r.found.push(Diagnostic::error("B065", task.span, message).with_nearest(name, known));
                }
            }
        }
    }
    let mut ready: VecDeque<usize> = (0..tasks.len()).filter(|i| waiting.get(*i) == Some(&0)).collect();
    let mut done = 0;
    while let Some(i) = ready.pop_front() {
        done += 1;
        for follower in followers.get(i).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*follower) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(*follower);
                }
            }
        }
    }
    if done < tasks.len() {
        let cycle = cycle(tasks, &index, &waiting);
        let at = cycle.first().map_or_else(Default::default, |task| task.span);
        let names: Vec<&str> = cycle.iter().chain(cycle.first()).map(|task| task.identifier.as_str()).collect();
        let message = format!("builds wait for one another: {}", names.join(" -> "));
        r.found.push(Diagnostic::error("B068", at, message).with_help("remove one of these dependencies"));
    }
}

/// One of the cycles, as each task and then what it waits for.
fn cycle<'t>(tasks: &'t [BatchTask], index: &HashMap<&str, usize>, waiting: &[usize]) -> Vec<&'t BatchTask> {
    let stuck = |i: &usize| waiting.get(*i).is_some_and(|count| *count > 0);
    let mut path: Vec<usize> = Vec::new();
    let mut place: HashMap<usize, usize> = HashMap::new();
    let mut current = (0..tasks.len()).find(|i| stuck(i));
    // Whoever is stuck waits for somebody who is: following that must come round.
    while let Some(i) = current {
        if let Some(start) = place.get(&i) {
            path.drain(..start);
            break;
        }
        place.insert(i, path.len());
        path.push(i);
        let before = tasks.get(i).into_iter().flat_map(|task| &task.depend_on);
        current = before.filter_map(|name| index.get(name.as_str()).copied()).find(|i| stuck(i));
    }
    path.into_iter().filter_map(|i| tasks.get(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;
    use crate::buildspec::BatchEnv;

    fn findings(graph: &[(&str, &[&str])]) -> Vec<String> {
        let task = |(name, before): &(&str, &[&str])| BatchTask {
            identifier: (*name).to_owned(),
            buildspec: None,
            debug_session: false,
            depend_on: before.iter().map(|s| (*s).to_owned()).collect(),
            env: BatchEnv::default(),
            ignore_failure: false,
            span: Span::START,
        };
        let mut reader = Reader::default();
        check(&mut reader, &graph.iter().map(task).collect::<Vec<_>>());
        reader.found.into_sorted().into_iter().map(|d| d.message).collect()
    }

    #[test]
    fn a_diamond_is_fine() {
        assert!(findings(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]).is_empty());
    }

    #[test]
    fn a_cycle_is_named_from_task_to_task() {
        let found = findings(&[("a", &["d"]), ("b", &["a", "x"]), ("x", &[]), ("d", &["b"]), ("after", &["a"])]);
        assert_eq!(found, ["builds wait for one another: a -> d -> b -> a"]);
        assert_eq!(findings(&[("me", &["me"])]), ["builds wait for one another: me -> me"]);
    }

    #[test]
    fn an_unknown_dependency_is_named() {
        assert_eq!(findings(&[("a", &["b"])]), ["'a' depends on 'b', which is no build of this graph"]);
    }
}
