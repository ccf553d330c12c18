//! Users of the job's view, for commands that run as somebody else.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::chown;
use std::path::Path;

/// A user as `/etc/passwd` and `/etc/group` of the job's view know it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    home: String,
    groups: Vec<u32>,
}

const SETPRIV: &str = "/usr/bin/setpriv";

impl User {
    /// By name, or by number.
    pub fn find(name: &str) -> Option<User> {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let group = fs::read_to_string("/etc/group").unwrap_or_default();
        User::among(name, &passwd, &group)
    }

    fn among(name: &str, passwd: &str, group: &str) -> Option<User> {
        let entry = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let [login, _, uid, gid, _, home, ..] = fields.as_slice() else { return None };
            let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
            let user = User { name: (*login).to_owned(), uid, gid, home: (*home).to_owned(), groups: Vec::new() };
            (*login == name || name.parse() == Ok(uid)).then_some(user)
        };
        let mut user = passwd.lines().find_map(entry).or_else(|| {
            // A number needs no name.
            let uid: u32 = name.parse().ok()?;
            Some(User { name: name.to_owned(), uid, gid: uid, home: "/".to_owned(), groups: Vec::new() })
        })?;
        for line in group.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [_, _, gid, members] = fields.as_slice()
                && members.split(',').any(|member| member == user.name)
                && let Ok(gid) = gid.parse()
            {
                user.groups.push(gid);
            }
        }
        Some(user)
    }

    /// Lets the user's shell work with the control folder, and tells it who it is.
    pub fn take_over(&self, control: &Path) -> io::Result<()> {
        let path = control.join("user");
        // Of the folder's files this is the only one that the job might have put there itself.
        let _ = fs::remove_file(&path);
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let (home, name) = (quoted(&self.home), quoted(&self.name));
        let mut file = File::create_new(&path)?;
        io::Write::write_all(&mut file, format!("export HOME={home} USER={name} LOGNAME={name}\n").as_bytes())?;
        for entry in fs::read_dir(control)? {
            std::os::unix::fs::lchown(entry?.path(), Some(self.uid), Some(self.gid))?;
        }
        chown(control, Some(self.uid), Some(self.gid))
    }

    /// The next shell is again of whoever runs everything else.
    pub fn give_back(control: &Path, home: Option<&String>) {
        let path = control.join("user");
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            let home = home.map_or("/root", String::as_str).replace('\'', "'\\''");
            // Without it the shell keeps the last user's HOME, which is no reason not to start it.
            let _ = fs::remove_file(&path);
            let _ = fs::write(&path, format!("export HOME='{home}'\nunset USER LOGNAME\n"));
        }
    }

    /// The words that start a program as this user with all its groups; none where there is no such program: then the user
    /// has only its first group.
    pub fn wrapper(&self) -> Vec<String> {
        if !Path::new(SETPRIV).exists() {
            return Vec::new();
        }
        let mut groups = vec![self.gid];
        groups.extend(&self.groups);
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let (uid, gid) = (self.uid, self.gid);
        let words = [
            SETPRIV.to_owned(),
            format!("--reuid={uid}"),
            format!("--regid={gid}"),
            format!("--groups={}", groups.join(",")),
            "--".to_owned(),
        ];
        words.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbuilder:x:1000:100:,,,:/home/builder:/bin/sh\nbroken\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:\ndocker:x:998:somebody,builder\n";

    #[test]
    fn a_user_is_found_by_name_and_by_number_with_all_groups() {
        let user = User::among("builder", PASSWD, GROUP).unwrap();
        assert_eq!(
            (user.uid, user.gid, user.home.as_str(), &user.groups[..]),
            (1000, 100, "/home/builder", &[998][..])
        );
        assert_eq!(User::among("1000", PASSWD, GROUP), Some(user));
        assert_eq!(User::among("1234", PASSWD, GROUP).map(|u| (u.uid, u.gid)), Some((1234, 1234)));
        assert_eq!(User::among("nobody-here", PASSWD, GROUP), None);
    }
}
