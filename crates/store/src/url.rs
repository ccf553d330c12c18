//! Names of databases, as they may be shown.

/// The URL without its passwords, which logs and terminals must not hold. What looks like one is one.
pub fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    // A password that holds an '@' should have been escaped, and may not have been: the last one counts.
    let place = match place.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:****@{host}"),
            None => place.to_owned(),
        },
        None => place.to_owned(),
    };
    let parameter = |text: &str| match text.split_once('=') {
        Some((key, _)) if key.to_lowercase().contains("password") => format!("{key}=****"),
        _ => text.to_owned(),
    };
    let query = query.map(|query| query.split('&').map(parameter).collect::<Vec<_>>().join("&"));
    match query {
        Some(query) => format!("{scheme}://{place}?{query}"),
        None => format!("{scheme}://{place}"),
    }
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
            ("postgres://hw@db/hw", "postgres://hw@db/hw"),
            ("/srv/headworks.db", "/srv/headworks.db"),
        ] {
            assert_eq!(masked_url(url), shown);
        }
    }
}
