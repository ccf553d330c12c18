//! How the shape of a declaration is described.

/// What a value must be.
#[derive(Debug)]
pub(super) enum Shape {
    Text(Text),
    /// A whole number between two bounds.
    Whole(u32, u32),
    Flag,
    /// Items, and how many there may be.
    List(&'static Shape, usize, usize),
    /// Values under free keys; a key has at most so many characters.
    Map(&'static Shape, usize),
    Structure(&'static [Member]),
}

/// A member of a structure.
#[derive(Debug)]
pub(super) struct Member {
    /// As the API spells it; templates begin it with a capital.
    pub name: &'static str,
    pub shape: &'static Shape,
    pub required: bool,
}

/// Bounds of a text; lengths in characters.
#[derive(Debug)]
pub(super) struct Text {
    pub least: usize,
    pub most: usize,
    pub letters: Letters,
}

/// What a text is made of.
#[derive(Debug)]
pub(super) enum Letters {
    Any,
    /// Letters, digits, and these.
    Word(&'static str),
    OneOf(&'static [&'static str]),
    RoleArn,
}

pub(super) const fn text(least: usize, most: usize, letters: Letters) -> Shape {
    Shape::Text(Text { least, most, letters })
}

pub(super) const fn one_of(words: &'static [&'static str]) -> Shape {
    text(0, 100, Letters::OneOf(words))
}

pub(super) const fn must(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, required: true }
}

pub(super) const fn may(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, required: false }
}

impl Letters {
    /// Why the text does not fit, if it does not.
    pub fn misfit(&self, text: &str) -> Option<String> {
        match self {
            Letters::Any => None,
            Letters::Word(more) => {
                let wrong = text.chars().find(|c| !c.is_ascii_alphanumeric() && !more.contains(*c))?;
                Some(format!("it must consist of letters, digits and {more}, not {wrong:?}"))
            }
            Letters::OneOf(words) => {
                (!words.contains(&text)).then(|| format!("it must be one of {}", words.join(", ")))
            }
            Letters::RoleArn => (!is_role(text)).then(|| "it must be arn:aws:iam::ACCOUNT:role/NAME".to_owned()),
        }
    }
}

/// `arn:aws(-[\w]+)*:iam::[0-9]{12}:role/.*`
fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "iam", "", account, role] => {
            (*partition == "aws" || partition.starts_with("aws-"))
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit())
                && role.starts_with("role/")
        }
        _ => false,
    }
}
