//! Identifiers that follow from what they name, so that doing a thing twice yields the same id.

use uuid::Uuid;

/// Our namespace for derived identifiers. Never change it: stored ids depend on it.
const NAMESPACE: Uuid = Uuid::from_u128(0x6865_6164_776f_524b_8000_0000_0000_0001);

/// The UUID (version 5) that `parts` name; parts are kept apart, so `["ab", "c"]` differs from `["a", "bc"]`.
pub fn derived_uuid(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
}

/// The first `LEN` hexadecimal digits of the derived UUID. It has 32 of them, and asking for more does not compile.
pub fn derived_hex<const LEN: usize>(parts: &[&str]) -> String {
    const { assert!(LEN <= 32, "a UUID has 32 hexadecimal digits") };
    let mut text = derived_uuid(parts).simple().to_string();
    text.truncate(LEN);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_name_the_same_id_and_others_do_not() {
        assert_eq!(derived_uuid(&["a", "b"]), derived_uuid(&["a", "b"]));
        assert_ne!(derived_uuid(&["a", "b"]), derived_uuid(&["ab"]));
        assert_ne!(derived_uuid(&["ab", "c"]), derived_uuid(&["a", "bc"]));
        assert_eq!(derived_hex::<7>(&["x"]).len(), 7);
    }
}
