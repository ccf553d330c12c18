//! Where a resource lives, and its full name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A twelve-digit account number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// Twelve ASCII digits, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| AccountId(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region's name, `eu-central-1` say. Any name of AWS's form is served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Region(String);

impl Region {
    /// 1 to 32 of `a-z`, `0-9` and `-`, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let ok = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        ok.then(|| Region(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that AWS puts this region in.
    pub fn partition(&self) -> Partition {
        if self.0.starts_with("cn-") {
            Partition::AwsCn
        } else if self.0.starts_with("us-gov-") {
            Partition::AwsUsGov
        } else {
            Partition::Aws
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The second field of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Partition {
    #[serde(rename = "aws")]
    Aws,
    #[serde(rename = "aws-cn")]
    AwsCn,
    #[serde(rename = "aws-us-gov")]
    AwsUsGov,
}

impl Partition {
    /// The partition as ARNs spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::AwsCn => "aws-cn",
            Partition::AwsUsGov => "aws-us-gov",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The account and region that every row belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    pub account: AccountId,
    pub region: Region,
}

impl Scope {
    /// The ARN of a resource of `service` in this account and region.
    pub fn arn(&self, service: &str, resource: impl Into<String>) -> Arn {
        Arn {
            partition: self.region.partition(),
            service: service.to_owned(),
            region: self.region.as_str().to_owned(),
            account: self.account.as_str().to_owned(),
            resource: resource.into(),
        }
    }

    /// The ARN of a resource of a service without regions (IAM, STS), in this account.
    pub fn global_arn(&self, service: &str, resource: impl Into<String>) -> Arn {
        Arn { region: String::new(), ..self.arn(service, resource) }
    }
}

/// `arn:partition:service:region:account:resource`; region and account are empty where AWS leaves them out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    pub partition: Partition,
    pub service: String,
    pub region: String,
    pub account: String,
    pub resource: String,
}

impl Arn {
    /// Parses six fields; the last may hold colons.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let partition = match parts.next()? {
            "aws" => Partition::Aws,
            "aws-cn" => Partition::AwsCn,
            "aws-us-gov" => Partition::AwsUsGov,
            _ => return None,
        };
        let (service, region, account) = (parts.next()?, parts.next()?, parts.next()?);
        let resource = parts.next().filter(|r| !r.is_empty() && !service.is_empty())?;
        Some(Arn {
            partition,
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }
}

impl PartialOrd for Partition {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Partition {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arn { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl Serialize for Arn {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Arn {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Arn::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("not an ARN: {text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_keeps_colons_in_its_resource() {
        let text = "arn:aws:codebuild:eu-west-1:123456789012:build/demo:1f2e";
        let arn = Arn::parse(text);
        assert_eq!(arn.as_ref().map(|a| a.resource.as_str()), Some("build/demo:1f2e"));
        assert_eq!(arn.map(|a| a.to_string()).as_deref(), Some(text));
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for text in ["", "arn", "arn:aws:s3", "arn:zzz:s3:::b", "arn:aws:::1:x", "arn:aws:s3:::"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_account_has_twelve_digits() {
        assert!(AccountId::parse("123456789012").is_some());
        for bad in ["12345678901", "1234567890123", "12345678901a", ""] {
            assert_eq!(AccountId::parse(bad), None);
        }
    }
}
