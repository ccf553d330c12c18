//! Filters of DescribeParameters and GetParametersByPath.

use base::ApiError;
use serde::Deserialize;
use store::Tx;
use store::tables::{ssm_parameter, ssm_version};

use super::{errors, name};
use crate::Cx;

/// `ParameterFilters`, as requests have them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StringFilter {
    pub key: String,
    pub option: Option<String>,
    #[serde(default)]
    pub values: Vec<String>,
}

/// All of these must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters(Vec<Filter>);

#[derive(Clone, Debug)]
struct Filter {
    key: Field,
    how: How,
    values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Field {
    Name,
    Path,
    Type,
    KeyId,
    Tier,
    DataType,
    Label,
    /// A tag with this key and one of the values; any value when there are none.
    Tag(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Equals,
    BeginsWith,
    Contains,
    Recursive,
    OneLevel,
}

/// Which operation's keys are legal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum For {
    Describe,
    ByPath,
}

impl Filters {
    pub(super) fn parse(filters: &[StringFilter], operation: For) -> Result<Self, ApiError> {
        let mut parsed: Vec<Filter> = Vec::new();
        for filter in filters {
            let filter = parse(filter, operation)?;
            if parsed.iter().any(|other| other.key == filter.key) {
                let text = "The following filters are duplicated in the request. A request can contain only one \
                            instance of a specific filter.";
                return Err(errors::bad_filter("InvalidFilterKey", text));
            }
            parsed.push(filter);
        }
        Ok(Filters(parsed))
    }

    /// The same, for parameters under `path` alone.
    pub(super) fn under(mut self, path: &str, recursive: bool) -> Self {
        let how = if recursive { How::Recursive } else { How::OneLevel };
        self.0.push(Filter { key: Field::Path, how, values: vec![path.to_owned()] });
        self
    }

    /// What all names that pass begin with, as far as that is simple to tell.
    pub(super) fn prefix(&self) -> &str {
        let path = self.0.iter().find(|filter| filter.key == Field::Path);
        match path.map(|filter| filter.values.as_slice()) {
            // Names without a slash stand at the root.
            Some([path]) if path != "/" => path,
            Some(_) | None => "",
        }
    }

    /// What can be told without the version.
    pub(super) fn may_pass(&self, row: &ssm_parameter::Row) -> bool {
        self.0.iter().all(|filter| match &filter.key {
            Field::Name => filter.holds(&row.name) || filter.holds(row.name.trim_start_matches('/')),
            Field::Path => {
                let recursive = filter.how == How::Recursive;
                filter.values.iter().any(|path| name::is_under(&row.name, path, recursive))
            }
            Field::Tag(key) => row.tags.get(key).is_some_and(|v| filter.values.is_empty() || filter.values.contains(v)),
            Field::Type | Field::KeyId | Field::Tier | Field::DataType | Field::Label => true,
        })
    }

    /// The version that a list shows, if it passes: with a label, the one that has it.
    pub(super) async fn pick(
        &self,
        tx: &mut Tx,
        cx: &Cx,
        newest: ssm_version::Row,
    ) -> Result<Option<ssm_version::Row>, ApiError> {
        let mut row = newest;
        if let Some(label) = self.0.iter().find(|filter| filter.key == Field::Label) {
            let versions = ssm_version::list(tx, cx.scope(), &row.name).await?;
            match versions.into_iter().rev().find(|v| v.labels.iter().any(|l| label.holds(l))) {
                Some(labelled) => row = labelled,
                None => return Ok(None),
            }
        }
        let passes = self.0.iter().all(|filter| match filter.key {
            Field::Type => filter.holds(&row.kind),
            Field::KeyId => row.key_id.as_deref().is_some_and(|key| filter.holds(key)),
            Field::Tier => filter.holds(&row.tier),
            Field::DataType => filter.holds(&row.data_type),
            Field::Name | Field::Path | Field::Label | Field::Tag(_) => true,
        });
        Ok(passes.then_some(row))
    }
}

impl Filter {
    fn holds(&self, text: &str) -> bool {
        self.values.iter().any(|value| match self.how {
            How::BeginsWith => text.starts_with(value.as_str()),
            How::Contains => text.contains(value.as_str()),
            How::Equals | How::Recursive | How::OneLevel => text == value,
        })
    }
}

fn parse(filter: &StringFilter, operation: For) -> Result<Filter, ApiError> {
    let key = match filter.key.as_str() {
        "Name" => Field::Name,
        "Path" => Field::Path,
        "Type" => Field::Type,
        "KeyId" => Field::KeyId,
        "Tier" => Field::Tier,
        "DataType" => Field::DataType,
        "Label" => Field::Label,
        key => match key.strip_prefix("tag:") {
            Some(tag) if !tag.is_empty() => Field::Tag(tag.to_owned()),
            Some(_) | None => return Err(bad_key(key)),
        },
    };
    if operation == For::ByPath && !matches!(key, Field::Type | Field::KeyId | Field::Label) {
        return Err(bad_key(&filter.key));
    }
    let how = match (filter.option.as_deref(), &key) {
        (None, Field::Path) | (Some("OneLevel"), Field::Path) => How::OneLevel,
        (Some("Recursive"), Field::Path) => How::Recursive,
        (
            None | Some("Equals"),
            Field::Name | Field::Type | Field::KeyId | Field::Tier | Field::DataType | Field::Label,
        ) => How::Equals,
        (None | Some("Equals"), Field::Tag(_)) => How::Equals,
        (Some("BeginsWith"), Field::Name | Field::Type | Field::KeyId | Field::Label) => How::BeginsWith,
        (Some("Contains"), Field::Name) => How::Contains,
        (Some(other), _) => {
            let text = format!(
                "The following filter option is not valid: {other}. Valid options include: [BeginsWith, Equals]."
            );
            return Err(errors::bad_filter("InvalidFilterOption", text));
        }
    };
    if filter.values.is_empty() && !matches!(key, Field::Tag(_)) {
        let text = format!("The following filter values are missing : null for filter key {}", filter.key);
        return Err(errors::bad_filter("InvalidFilterValue", text));
    }
    if key == Field::Path {
        for path in &filter.values {
            name::check_path(path)?;
        }
    }
    let kinds = ["String", "StringList", "SecureString"];
    if let (Field::Type, Some(odd)) = (&key, filter.values.iter().find(|v| !kinds.contains(&v.as_str())))
        && how == How::Equals
    {
        let text = format!(
            "The following filter value is not valid : {odd}. Valid values include: [String, StringList, SecureString]."
        );
        return Err(errors::bad_filter("InvalidFilterOption", text));
    }
    Ok(Filter { key, how, values: filter.values.clone() })
}

fn bad_key(key: &str) -> ApiError {
    let text = format!(
        "The following filter key is not valid: {key}. Valid filter keys include: \
         [Path, Name, Type, KeyId, Tier, DataType, Label, tag:KEY]."
    );
    errors::bad_filter("InvalidFilterKey", text)
}
