//! Templates of rest-json and rest-xml paths: `/{Bucket}/{Key+}?uploads`.

/// A parsed `requestUri`.
#[derive(Debug)]
pub(crate) struct UriTemplate {
    pub(crate) segments: Box<[Segment]>,
    /// Keys (and values, where given) that the query string must hold.
    pub(crate) query: Box<[QueryLiteral]>,
}

/// A key, and the value where the template has one.
pub(crate) type QueryLiteral = (Box<str>, Option<Box<str>>);

/// One part of a path between slashes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(Box<str>),
    /// One segment, whatever it is; holds the label's name.
    Label(Box<str>),
    /// The rest of the path up to the following literals.
    Greedy(Box<str>),
}

impl UriTemplate {
    /// Parses a template of a model; models are our own, so that there is nothing to refuse.
    pub(crate) fn parse(text: &str) -> Self {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let segments = path
            .trim_start_matches('/')
            .split('/')
            .filter(|s| !s.is_empty())
            .map(|s| match s.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
                Some(label) => match label.strip_suffix('+') {
                    Some(label) => Segment::Greedy(label.into()),
                    None => Segment::Label(label.into()),
                },
                None => Segment::Literal(s.into()),
            })
            .collect();
        let query = query
            .split('&')
            .filter(|q| !q.is_empty())
            .map(|q| match q.split_once('=') {
                Some((key, value)) => (key.into(), Some(value.into())),
                None => (q.into(), None),
            })
            .collect();
        UriTemplate { segments, query }
    }
}
