//! A tree at the end of what is on the terminal, drawn again when it changes; elsewhere a line for each change.

use serde_json::{Value, json};

/// One build of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    pub name: String,
    /// How many others stand above it.
    pub depth: usize,
    pub status: String,
    /// Since it was asked for.
    pub seconds: Option<u64>,
}

/// The tree as it was told last.
#[derive(Debug, Default)]
pub struct Tree {
    branches: Vec<Branch>,
    /// Lines on the terminal that can be drawn over.
    drawn: usize,
}

impl Tree {
    /// What takes the drawn tree off the terminal.
    pub fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        }
    }

    /// The whole tree, to be drawn at the end.
    pub fn draw(&mut self) -> String {
        self.drawn = self.branches.len();
        self.branches.iter().map(|branch| format!("{}\n", self.line(branch))).collect()
    }

    /// It stays where it is drawn.
    pub fn stay(&mut self) {
        self.drawn = 0;
    }

    /// Takes the new tree. Gives the branches whose status has changed, or nothing when it is the same to the second.
    pub fn take(&mut self, fresh: &[Branch]) -> Option<Vec<Branch>> {
        if fresh == self.branches {
            return None;
        }
        let is_new =
            |branch: &&Branch| !self.branches.iter().any(|old| old.name == branch.name && old.status == branch.status);
        let changed = fresh.iter().filter(is_new).cloned().collect();
        self.branches = fresh.to_vec();
        Some(changed)
    }

    /// A branch as one line.
    pub fn line(&self, branch: &Branch) -> String {
        let width = self.branches.iter().map(|b| b.name.len() + 2 * b.depth).max().unwrap_or_default();
        let name = format!("{}{}", "  ".repeat(branch.depth), branch.name);
        let seconds = branch.seconds.filter(|s| *s > 0).map(|s| format!(" {s} s")).unwrap_or_default();
        format!("   {name:<width$}  {}{seconds}", branch.status)
    }
}

impl Branch {
    /// For programs.
    pub fn event(&self) -> Value {
        json!({ "type": "group", "identifier": self.name, "status": self.status.to_uppercase().replace(' ', "_") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(name: &str, depth: usize, status: &str, seconds: Option<u64>) -> Branch {
        Branch { name: name.to_owned(), depth, status: status.to_owned(), seconds }
    }

    #[test]
    fn a_branch_is_told_when_its_status_changes_and_not_each_second() {
        let mut tree = Tree::default();
        let first = [branch("linux", 0, "running", Some(0)), branch("deploy", 1, "waiting", None)];
        assert_eq!(tree.take(&first).unwrap().len(), 2);
        assert_eq!(tree.take(&first), None);
        let later = [branch("linux", 0, "running", Some(1)), branch("deploy", 1, "waiting", None)];
        assert_eq!(tree.take(&later), Some(Vec::new()));
        let last = [branch("linux", 0, "SUCCEEDED", None), branch("deploy", 1, "waiting", None)];
        assert_eq!(tree.take(&last), Some(vec![branch("linux", 0, "SUCCEEDED", None)]));
    }

    #[test]
    fn what_depends_on_others_stands_further_in_and_the_tree_is_drawn_over() {
        let mut tree = Tree::default();
        tree.take(&[branch("linux", 0, "running", Some(3)), branch("deploy", 1, "waiting", None)]);
        assert_eq!(tree.erase(), "");
        assert_eq!(tree.draw(), "   linux     running 3 s\n     deploy  waiting\n");
        assert_eq!(tree.erase(), "\x1b[2A\x1b[J");
        assert_eq!(tree.erase(), "");
    }
}
