//! Names of databases, as they may be shown.

/// The URL without its passwords, which logs and terminals must not hold. What looks like one is one.
pub fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // A password that holds an '@' or a '?' should have been escaped, and may not have been: the last '@' counts.
    let shown = match rest.rsplit_once('@') {
        Some((user, place)) => {
            let user = match user.split_once(':') {
                Some((name, _)) => format!("{}:****", masked_parameters(name)),
                None => masked_parameters(user),
            };
            format!("{user}@{}", masked_parameters(place))
        }
        None => masked_parameters(rest),
    };
    format!("{scheme}://{shown}")
}

/// `text` with `****` in place of each parameter that is a password, up to the next parameter that has a name.
fn masked_parameters(text: &str) -> String {
    let mut out = String::new();
    let mut in_password = false;
    for (n, piece) in text.split_inclusive(['?', '&']).enumerate() {
        let (word, end) = match piece.char_indices().last() {
            Some((at, '?' | '&')) => piece.split_at(at),
            Some(_) | None => (piece, ""),
        };
        match word.split_once('=') {
            Some((key, _)) if n > 0 && key.to_lowercase().contains("password") => {
                in_password = true;
                out.push_str(&format!("{key}=****{end}"));
            }
            None if in_password => {}
            Some(_) | None => {
                in_password = false;
                out.push_str(piece);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, shown) in [
            ("postgres://hw:secret@db/hw", "postgres://hw:****@db/hw"),
            ("postgres://hw:se@cr/et@db:5432/hw?sslmode=require", "postgres://hw:****@db:5432/hw?sslmode=require"),
            (
                "postgres://db/hw?user=a&password=secret&sslpassword=b",
                "postgres://db/hw?user=a&password=****&sslpassword=****",
            ),
            ("mysql://root:secret@db", "mysql://root:****@db"),
            ("postgres://hw:se?cret@db/hw?sslmode=require", "postgres://hw:****@db/hw?sslmode=require"),
            ("postgres://hw:se?password=cr&et@db/hw", "postgres://hw:****@db/hw"),
            ("postgres://db:5432/hw?password=secret&user=a@b", "postgres://db:****@b"),
            ("postgres://db/hw?user=a@b&password=se&cret", "postgres://db/hw?user=a@b&password=****&"),
            ("postgres://db/hw?password=secret&user=a@b", "postgres://db/hw?password=****&user=a@b"),
            ("postgres://hw@db/hw", "postgres://hw@db/hw"),
            ("/srv/headworks.db", "/srv/headworks.db"),
        ] {
            assert_eq!(masked_url(url), shown);
        }
    }
}
