//! `secret-id:json-key:version-stage:version-id`.

/// What a reference to Secrets Manager names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPlace {
    /// A secret's name or ARN.
    pub secret_id: String,
    /// The member of the secret's JSON text; absent = the whole text.
    pub json_key: Option<String>,
    pub version_stage: Option<String>,
    pub version_id: Option<String>,
}

impl SecretPlace {
    /// Takes a reference apart; an ARN's own colons belong to the secret's id. `None` when the id is missing or there
    /// are too many parts.
    pub fn parse(reference: &str) -> Option<SecretPlace> {
        let reference = reference.trim();
        let id_parts = if reference.starts_with("arn:") { 7 } else { 1 };
        let parts: Vec<&str> = reference.split(':').collect();
        let (id, rest) = parts.split_at_checked(id_parts)?;
        if rest.len() > 3 || id.iter().skip(3).any(|part| part.is_empty()) || id.first()?.is_empty() {
            return None;
        }
        let part = |i: usize| rest.get(i).filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
        Some(SecretPlace { secret_id: id.join(":"), json_key: part(0), version_stage: part(1), version_id: part(2) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(reference: &str) -> Option<(String, [String; 3])> {
        let place = SecretPlace::parse(reference)?;
        let text = |part: Option<String>| part.unwrap_or_default();
        Some((place.secret_id, [text(place.json_key), text(place.version_stage), text(place.version_id)]))
    }

    #[test]
    fn all_parts_but_the_first_can_be_left_out() {
        let expect = |id: &str, rest: [&str; 3]| Some((id.to_owned(), rest.map(str::to_owned)));
        assert_eq!(parts("prod/db"), expect("prod/db", ["", "", ""]));
        assert_eq!(parts("prod/db:password"), expect("prod/db", ["password", "", ""]));
        assert_eq!(parts("prod/db::AWSPREVIOUS"), expect("prod/db", ["", "AWSPREVIOUS", ""]));
        assert_eq!(parts("prod/db:k:s:v-1"), expect("prod/db", ["k", "s", "v-1"]));
        assert_eq!(parts("a:b:c:d:e"), None);
        assert_eq!(parts(":key"), None);
        assert_eq!(parts(""), None);
    }

    #[test]
    fn the_colons_of_an_arn_belong_to_the_id() {
        let arn = "arn:aws:secretsmanager:us-west-2:111122223333:secret:prod/db-a1b2c3";
        assert_eq!(parts(arn).unwrap().0, arn);
        assert_eq!(parts(&format!("{arn}:user::id")).unwrap(), (arn.to_owned(), ["user", "", "id"].map(str::to_owned)));
        assert_eq!(parts("arn:aws:secretsmanager"), None);
    }
}
