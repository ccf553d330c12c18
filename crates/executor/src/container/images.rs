//! From the name of an image in a project to an image that the engine can have.
//!
//! CodeBuild's curated images are published under `public.ecr.aws/codebuild`
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html>).

const CURATED: &str = "aws/codebuild/";
const PUBLIC: &str = "public.ecr.aws/codebuild/";

/// What the operator has in place of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRule {
    /// The name in the project; a `*` at its end stands for any rest.
    pub name: String,
    pub target: ImageTarget,
}

/// Where a job of an image runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageTarget {
    /// In the host's sandbox, with the machine's own tools.
    Host,
    /// In a container of this image. A `*` at its end is what the rule's `*` stood for.
    Image(String),
}

/// What was decided for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub target: ImageTarget,
    /// CodeBuild's own name, and no rule of the operator's: the machine's tools may have to do.
    pub is_curated: bool,
}

impl ImageRule {
    /// Reads `NAME=IMAGE`, where IMAGE may be `host`.
    pub fn parse(text: &str) -> Option<ImageRule> {
        let (name, target) = text.split_once('=')?;
        let (name, target) = (name.trim(), target.trim());
        let target = match target {
            "" => return None,
            "host" => ImageTarget::Host,
            image => ImageTarget::Image(image.to_owned()),
        };
        (!name.is_empty()).then(|| ImageRule { name: name.to_owned(), target })
    }

    fn apply(&self, name: &str) -> Option<ImageTarget> {
        let rest = match self.name.strip_suffix('*') {
            Some(start) => name.strip_prefix(start)?,
            None if self.name == name => "",
            None => return None,
        };
        Some(match &self.target {
            ImageTarget::Host => ImageTarget::Host,
            ImageTarget::Image(image) => ImageTarget::Image(match image.strip_suffix('*') {
                Some(start) => format!("{start}{rest}"),
                None => image.clone(),
            }),
        })
    }
}

/// Applies the rules, then the public registry's names.
pub(super) fn resolve(name: &str, rules: &[ImageRule]) -> Resolved {
    if let Some(target) = rules.iter().find_map(|rule| rule.apply(name)) {
        return Resolved { target, is_curated: false };
    }
    match name.strip_prefix(CURATED) {
        Some(rest) => Resolved { target: ImageTarget::Image(format!("{PUBLIC}{rest}")), is_curated: true },
        None => Resolved { target: ImageTarget::Image(name.to_owned()), is_curated: name.is_empty() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, rules: &[&str]) -> (ImageTarget, bool) {
        let rules: Vec<ImageRule> = rules.iter().map(|r| ImageRule::parse(r).unwrap()).collect();
        let Resolved { target, is_curated } = resolve(name, &rules);
        (target, is_curated)
    }

    fn named(name: &str) -> ImageTarget {
        ImageTarget::Image(name.to_owned())
    }

    #[test]
    fn curated_names_are_found_in_the_public_registry_and_others_are_as_they_are() {
        let public = "public.ecr.aws/codebuild/amazonlinux2-x86_64-standard:5.0";
        assert_eq!(image("aws/codebuild/amazonlinux2-x86_64-standard:5.0", &[]), (named(public), true));
        assert_eq!(image("node:22", &[]), (named("node:22"), false));
    }

    #[test]
    fn the_first_rule_that_matches_counts_and_a_star_carries_the_rest_over() {
        let rules = ["aws/codebuild/standard:7.0=local/seven", "aws/codebuild/*=mirror.example/cb/*", "old:1=host"];
        assert_eq!(image("aws/codebuild/standard:7.0", &rules), (named("local/seven"), false));
        assert_eq!(image("aws/codebuild/standard:6.0", &rules), (named("mirror.example/cb/standard:6.0"), false));
        assert_eq!(image("old:1", &rules), (ImageTarget::Host, false));
        assert_eq!(image("old:2", &rules), (named("old:2"), false));
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for text in ["", "name", "=image", "name="] {
            assert_eq!(ImageRule::parse(text), None, "{text}");
        }
    }
}
