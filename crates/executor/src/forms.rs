//! The forms in which a secret may come out: as it is, in base64, URL-encoded, JSON-escaped. Programs that log requests,
//! headers or configuration print it like that.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Parts of a form are masked too from this length on; shorter ones would mask words at random.
const MIN_PART_LEN: usize = 8;
/// Encoded forms of shorter secrets would mask words at random.
const MIN_ENCODED_LEN: usize = 4;
/// Where `base64` and `openssl` break their lines.
const LINE_LENS: [usize; 2] = [76, 64];

/// All forms of a value, the value itself among them; none is empty.
pub(crate) fn forms(value: &str) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    let mut add = |form: &str| {
        if !form.is_empty() {
            all.insert(form.as_bytes().to_vec());
        }
    };
    add(value);
    for line in value.lines().filter(|line| line.len() >= MIN_PART_LEN) {
        add(line);
    }
    // A file that was written with `echo` has a line end that the secret has not, and the other way round.
    add(value.trim_end_matches(['\r', '\n']));
    for escaped in json_forms(value) {
        add(&escaped);
    }
    for encoded in url_forms(value) {
        add(&encoded);
    }
    if value.len() >= MIN_ENCODED_LEN {
        for encoded in base64_forms(value.as_bytes()) {
            add(&encoded);
        }
    }
    all
}

/// As `jq`, Python, Go and PHP write strings.
fn json_forms(value: &str) -> Vec<String> {
    let Ok(quoted) = serde_json::to_string(value) else { return Vec::new() };
    let plain = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let ascii: String = plain
        .chars()
        .map(|c| {
            let mut units = [0; 2];
            match c.is_ascii() {
                true => c.to_string(),
                false => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
            }
        })
        .collect();
    let of_go = plain.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let of_php = ascii.replace('/', "\\/");
    vec![plain, ascii, of_go, of_php]
}

/// What each kind of encoder leaves as it is, beside letters and digits, and what it writes for a blank.
const URL_ENCODERS: [(&[u8], &str); 5] =
    [(b"-._~", "%20"), (b"-._~/", "%20"), (b"-._~!'()*", "%20"), (b"-._", "+"), (b"-._*", "+")];

fn url_forms(value: &str) -> Vec<String> {
    let encode = |safe: &[u8], blank: &str, upper: bool| -> String {
        let mut out = String::new();
        for byte in value.bytes() {
            match byte {
                b' ' => out.push_str(blank),
                _ if byte.is_ascii_alphanumeric() || safe.contains(&byte) => out.push(char::from(byte)),
                _ if upper => out.push_str(&format!("%{byte:02X}")),
                _ => out.push_str(&format!("%{byte:02x}")),
            }
        }
        out
    };
    URL_ENCODERS.iter().flat_map(|(safe, blank)| [true, false].map(|upper| encode(safe, blank, upper))).collect()
}

/// Alone, with a line end after it, and inside of something else (`user:SECRET`): there the first and last characters
/// hold bits of the neighbours, and the rest is always the same, in one of three alignments.
fn base64_forms(value: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    let mut add = |encoded: String| {
        for len in LINE_LENS.into_iter().filter(|len| encoded.len() > *len) {
            let pieces = encoded.as_bytes().chunks(len).filter(|piece| piece.len() >= MIN_PART_LEN);
            forms.extend(pieces.map(|piece| String::from_utf8_lossy(piece).into_owned()));
        }
        forms.push(encoded);
    };
    for engine in [STANDARD, URL_SAFE] {
        let whole = engine.encode(value);
        add(whole.trim_end_matches('=').to_owned());
        add(whole);
        add(engine.encode([value, b"\n"].concat()));
        for (before, foreign) in [(0, 0), (1, 2), (2, 3)] {
            let encoded = engine.encode([&[0_u8; 2][..before], value].concat());
            // Six bits a character: those that the value fills alone.
            let own = (before + value.len()) * 8 / 6;
            let inner = encoded.get(foreign..own).unwrap_or_default();
            if inner.len() >= MIN_PART_LEN {
                add(inner.to_owned());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(value: &str, form: &str) -> bool {
        forms(value).contains(form.as_bytes())
    }

    #[test]
    fn a_secret_has_all_the_forms_that_programs_print() {
        let secret = "p@ss w/\"rd<é>";
        for form in [
            secret,
            "cEBzcyB3LyJyZDzDqT4=",
            "cEBzcyB3LyJyZDzDqT4",
            "p%40ss%20w%2F%22rd%3C%C3%A9%3E",
            "p%40ss%20w/%22rd%3c%c3%a9%3e",
            "p%40ss+w%2F%22rd%3C%C3%A9%3E",
            "p@ss w/\\\"rd<é>",
            "p@ss w/\\\"rd<\\u00e9>",
            "p@ss w/\\\"rd\\u003cé\\u003e",
            "p@ss w\\/\\\"rd<\\u00e9>",
        ] {
            assert!(has(secret, form), "{form}");
        }
    }

    #[test]
    fn base64_is_found_inside_of_other_base64() {
        let secret = "correct-horse-battery";
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", "\n", "!!", " more"] {
                let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
                let found = forms(secret).iter().any(|f| {
                    f.len() + 4 >= secret.len() * 4 / 3 && encoded.contains(std::str::from_utf8(f).unwrap_or("-"))
                });
                assert!(found, "{before:?} {after:?}: {encoded}");
            }
        }
    }

    #[test]
    fn long_base64_is_found_line_by_line() {
        let secret: String = (0..100).map(|i| char::from(b'!' + (i % 90) as u8)).collect();
        let encoded = STANDARD.encode(format!("{secret}\n"));
        for len in LINE_LENS {
            for line in encoded.as_bytes().chunks(len).filter(|line| line.len() >= MIN_PART_LEN) {
                assert!(has(&secret, std::str::from_utf8(line).unwrap()), "{}", String::from_utf8_lossy(line));
            }
        }
    }

    #[test]
    fn short_secrets_have_no_forms_that_would_mask_words() {
        assert_eq!(forms("abc").len(), 1);
        assert!(forms("").is_empty());
        assert!(forms("abcd").iter().all(|form| form.len() >= 4));
    }
}
