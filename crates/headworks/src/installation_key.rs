//! The installation's key, under which secrets are encrypted before they reach the database: made at the first start,
//! kept in a file that only its owner can read. Whoever backs up the database without it has no secrets; whoever loses
//! it has none either.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base::Ids;
use platform::SealingKey;

/// The file's name in the data folder. Its content is 64 hexadecimal digits.
const FILE: &str = "installation-key";

/// The key of this data folder; the first call makes it (mode 0600). A damaged file is an error: a new key in its place
/// would make every secret unreadable.
pub fn read_or_make(data_dir: &Path, ids: &dyn Ids) -> io::Result<SealingKey> {
    let path = data_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => parse(&text).ok_or_else(|| {
            let why = format!("{} is damaged: bring it back from a backup", path.display());
            io::Error::new(io::ErrorKind::InvalidData, why)
        }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => make(data_dir, ids),
        Err(e) => Err(e),
    }
}

fn parse(text: &str) -> Option<SealingKey> {
    let mut bytes = [0; SealingKey::LEN];
    hex::decode_to_slice(text.trim(), &mut bytes).ok()?;
    Some(SealingKey::new(&bytes))
}

fn make(data_dir: &Path, ids: &dyn Ids) -> io::Result<SealingKey> {
    let text = hex::encode(ids.bytes(SealingKey::LEN));
    let temporary = data_dir.join("installation-key.new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, data_dir.join(FILE))?;
    fs::File::open(data_dir)?.sync_all()?;
    parse(&text).ok_or_else(|| io::Error::other("the key that was just made cannot be read"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use base::RandomIds;

    use super::*;

    #[test]
    fn the_first_start_makes_the_key_and_later_ones_keep_it() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = read_or_make(dir.path(), &RandomIds).unwrap().seal(&["x"], b"y").unwrap();
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(read_or_make(dir.path(), &RandomIds).unwrap().open(&["x"], &sealed).unwrap().expose(), b"y");
    }

    #[test]
    fn a_damaged_key_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "abc").unwrap();
        assert!(read_or_make(dir.path(), &RandomIds).unwrap_err().to_string().contains("is damaged"));
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), "abc");
    }
}
