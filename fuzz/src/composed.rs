//! An archive whose entries are told by bytes: changed bytes of a zip mostly break its checksums and nothing else.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Lines `KIND MODE NAME>CONTENT`: kind `f`, `d`, `l` or `z` (a file of zeros whose size is the content's number).
pub fn archive(bytes: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for line in String::from_utf8_lossy(bytes).split('\n').take(100) {
        let mut parts = line.splitn(3, ' ');
        let (Some(kind), Some(mode), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (name, content) = rest.split_once('>').unwrap_or((rest, ""));
        let mode = u32::from_str_radix(mode, 8).unwrap_or(0o644);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let options = options.unix_permissions(mode);
        // What the writer itself refuses (a name twice, say) is left out.
        let _ = match kind {
            "d" => zip.add_directory(name, options).ok(),
            "l" => zip.add_symlink(name, content, options).ok(),
            "z" => {
                let zeros = vec![0; content.parse::<usize>().unwrap_or(0).min(2 << 20)];
                zip.start_file(name, options).ok().and_then(|()| zip.write_all(&zeros).ok())
            }
            _ => zip.start_file(name, options).ok().and_then(|()| zip.write_all(content.as_bytes()).ok()),
        };
    }
    zip.finish().map(Cursor::into_inner).unwrap_or_default()
}
