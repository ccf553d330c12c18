//! Whether a statement's elements cover a request.

use formats::policy::{Actions, PrincipalPattern, Principals, Resources};

use super::{Context, Subject, SubjectKind};

pub(super) fn action(actions: &Actions, action: &str) -> bool {
    let any = |list: &[String]| list.iter().any(|p| glob(p, action, true));
    match actions {
        Actions::Only(list) => any(list),
        Actions::Except(list) => !any(list),
    }
}

pub(super) fn resource(resources: &Resources, resource: &str, context: &Context) -> bool {
    // A log group as a whole is written with and without its empty stream, and AWS's own examples have both.
    let short = resource.strip_suffix(":log-stream:");
    let is = |pattern: &str| glob(pattern, resource, false) || short.is_some_and(|s| glob(pattern, s, false));
    let any = |list: &[String]| list.iter().any(|p| is(&with_variables(p, context)));
    match resources {
        Resources::Only(list) => any(list),
        Resources::Except(list) => !any(list),
    }
}

/// Whether no resource is left out.
pub(super) fn every_resource(resources: &Resources) -> bool {
    match resources {
        Resources::Only(list) => list.iter().any(|p| p == "*"),
        Resources::Except(_) => false,
    }
}

pub(super) fn principal(principals: &Principals, subject: &Subject) -> bool {
    match principals {
        Principals::Only(list) => list.iter().any(|p| is(p, subject)),
        Principals::Except(list) => !list.iter().any(|p| is(p, subject)),
    }
}

fn is(pattern: &PrincipalPattern, subject: &Subject) -> bool {
    match pattern {
        PrincipalPattern::Anyone => true,
        PrincipalPattern::Account(account) => {
            !matches!(subject.kind, SubjectKind::Service(_)) && *account == subject.account
        }
        PrincipalPattern::Arn(arn) => subject.is_arn(arn),
        PrincipalPattern::Id(id) => subject.is_id(id),
        PrincipalPattern::Service(name) => matches!(&subject.kind, SubjectKind::Service(own) if own == name),
        PrincipalPattern::Federated(_) | PrincipalPattern::CanonicalUser(_) => false,
    }
}

/// Puts values for `${key}`; `${*}`, `${?}` and `${$}` stand for the characters themselves, which is as near as
/// a pattern comes to them. A variable without a value stays, and so matches nothing.
pub(super) fn with_variables(pattern: &str, context: &Context) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((key, tail)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        match (key, context.get(&key.to_ascii_lowercase()).map(Vec::as_slice)) {
            ("*" | "?" | "$", _) => out.push_str(key),
            (_, Some([value])) => out.push_str(value),
            _ => out.push_str(&format!("${{{key}}}")),
        }
        rest = tail;
    }
    out + rest
}

/// `*` stands for any run of characters and `?` for one.
pub(super) fn glob(pattern: &str, text: &str, any_case: bool) -> bool {
    let same = |a: u8, b: u8| if any_case { a.eq_ignore_ascii_case(&b) } else { a == b };
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&want) if want == b'?' || same(want, c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == b'*')
}
