//! A file that appears whole or not at all: written beside its place under no name, then put there by a rename.
//!
//! Where the system has no files without a name, the file has a name of its own and a lock that ends with its process: the
//! next save into the folder takes away those that nobody holds.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::file::plain;

/// What a name under which nothing is finished starts and ends with; between them are 16 hexadecimal digits.
const PREFIX: &str = ".scirs2_autograd-";
const SUFFIX: &str = ".tmp";
/// Links that are followed, as the kernel counts them.
const LINKS: usize = 40;
const CHUNK: usize = 1 << 16;

/// What is written, more than once if a way turns out not to be open.
type Fill<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

/// Replaces the file `path`. A link stays a link, whether or not there is something where it points to; owner and mode of a
/// file that is replaced stay as far as the system allows. Whoever opens `path` meanwhile sees the old file or the new one.
pub(super) fn write(path: &Path, fill: Fill<'_>) -> io::Result<()> {
    let (target, old) = target(path)?;
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    clear(folder);
    let place = Replacement { folder, target: &target, old: old.as_ref() };
    if !place.by_link(fill)? {
        place.by_name(fill)?;
    }
    // Makes the rename durable. Some file systems have no such call; the file itself is on the disk.
    match File::open(folder)?.sync_all() {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Err(e),
        _ => Ok(()),
    }
}

/// Where the links from `path` lead to, and the file that is there.
fn target(path: &Path) -> io::Result<(PathBuf, Option<fs::Metadata>)> {
    match fs::metadata(path) {
        Ok(old) => {
            // The rename would put a file in the place of a pipe or a device, even of `/dev/null` for one who may do so.
            plain(&old)?;
            Ok((fs::canonicalize(path)?, Some(old)))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let mut at = path.to_owned();
            for _ in 0..LINKS {
                match fs::read_link(&at) {
                    // A link that is not absolute starts at its own folder; one that is takes the place of the whole path.
                    Ok(next) => at = at.parent().unwrap_or(Path::new("")).join(next),
                    Err(_) => return Ok((at, None)),
                }
            }
            Err(io::Error::from_raw_os_error(libc::ELOOP))
        }
        Err(e) => Err(e),
    }
}

/// A name in a folder for a file that is not finished.
fn unfinished(folder: &Path) -> PathBuf {
    folder.join(format!("{PREFIX}{:016x}{SUFFIX}", super::system_seed()))
}

/// Takes away what saves that were killed have left in a folder. Failures are not those of the save that is to come.
fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let digits = name.to_str().and_then(|n| n.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        let ours = digits.is_some_and(|d| d.len() == 16 && d.bytes().all(|b| b.is_ascii_hexdigit()));
        if !ours || !entry.file_type().is_ok_and(|t| t.is_file()) {
            continue;
        }
        // Its process holds the lock until it ends. Where there are no locks, nothing is known and nothing is taken away.
        let path = entry.path();
        let open = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(&path);
        if let Ok(file) = open
            && file.try_lock().is_ok()
        {
            // Another save may have done the same just now.
            let _ = fs::remove_file(path);
        }
    }
}

struct Replacement<'a> {
    folder: &'a Path,
    target: &'a Path,
    old: Option<&'a fs::Metadata>,
}

impl Replacement<'_> {
    /// By a file that has no name until it is finished, so that nothing is left of it if the process is killed. False if the
    /// system has no such files here.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn by_link(&self, fill: Fill<'_>) -> io::Result<bool> {
        use std::ffi::CString;
        use std::os::fd::AsRawFd;
        use std::os::unix::ffi::OsStrExt;

        // The mode is an ordinary file's: the system takes away what the process does not give.
        let open = OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).mode(0o666).open(self.folder);
        let file = match open {
            Ok(file) => file,
            // How kernels and file systems say that they do not know such files.
            Err(e) if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL)) => return Ok(false),
            Err(e) => return Err(e),
        };
        let by_number = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        if fs::symlink_metadata(&by_number).is_err() {
            return Ok(false);
        }
        // Before it has a name, so that nobody takes it away.
        let _ = file.try_lock();
        self.finish(&file, fill)?;
        let own = unfinished(self.folder);
        let (from, to) = (CString::new(by_number.as_os_str().as_bytes())?, CString::new(own.as_os_str().as_bytes())?);
        // SAFETY: both are texts that end with a zero and outlive the call.
        let linked = unsafe { libc::linkat(libc::AT_FDCWD, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), libc::AT_SYMLINK_FOLLOW) };
        // A link does not replace what is there; a rename does, at one moment.
        Ok(linked == 0 && self.rename(&own).map(|()| true)?)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn by_link(&self, _: Fill<'_>) -> io::Result<bool> {
        Ok(false)
    }

    /// By a file under a name of its own.
    fn by_name(&self, fill: Fill<'_>) -> io::Result<()> {
        // What was hidden stays hidden while it is written.
        let mode = if self.old.is_some() { 0o600 } else { 0o666 };
        let (own, file) = loop {
            let own = unfinished(self.folder);
            let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&own)?;
            match file.try_lock() {
                // Another save found it before it was locked, and is taking it away.
                Err(TryLockError::WouldBlock) => continue,
                Ok(()) if file.metadata().is_ok_and(|m| m.nlink() == 0) => continue,
                // Without locks nobody takes anything away.
                Ok(()) | Err(TryLockError::Error(_)) => break (own, file),
            }
        };
        match self.finish(&file, fill) {
            Ok(()) => self.rename(&own),
            Err(e) => {
                let _ = fs::remove_file(own);
                Err(e)
            }
        }
    }

    /// Writes a file, gives it the owner and mode of the one that it replaces, and waits until it is on the disk.
    fn finish(&self, file: &File, fill: Fill<'_>) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(CHUNK, file);
        fill(&mut out)?;
        out.flush()?;
        drop(out);
        if let Some(old) = self.old {
            let new = file.metadata()?;
            let (owner, group) = (old.uid(), old.gid());
            // Most users may give nothing away, but hand a file to another of their groups.
            let given = (new.uid(), new.gid()) == (owner, group) || fchown(file, Some(owner), Some(group)).is_ok();
            let shared = given || new.gid() == group || fchown(file, None, Some(group)).is_ok();
            // A file that runs in the name of its owner must not do so for another one, and what one group may do, another
            // may only as far as all may.
            let mode = if given { old.mode() & 0o7777 } else { old.mode() & 0o777 };
            let mode = if shared { mode } else { mode & 0o707 | (mode & 0o7) << 3 };
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        file.sync_all()
    }

    fn rename(&self, own: &Path) -> io::Result<()> {
        fs::rename(own, self.target).inspect_err(|_| {
            let _ = fs::remove_file(own);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Both ways, whatever the system offers, of which the first may not be open here.
    fn ways(folder: &Path, path: &Path, old: Option<&fs::Metadata>, fill: Fill<'_>) -> Vec<io::Result<()>> {
        let place = Replacement { folder, target: path, old };
        let by_link = place.by_link(fill);
        let after = names(folder);
        assert!(after.iter().all(|n| !n.starts_with(PREFIX)), "{after:?}");
        let mut out = vec![place.by_name(fill)];
        match by_link {
            Ok(true) => out.push(Ok(())),
            Ok(false) => {}
            Err(e) => out.push(Err(e)),
        }
        out
    }

    #[test]
    fn each_way_writes_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for text in ["one", "two"] {
            let old = fs::metadata(&path).ok();
            for done in ways(folder.path(), &path, old.as_ref(), &|out| out.write_all(text.as_bytes())) {
                done.unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), text);
            }
            assert_eq!(names(folder.path()), ["a"]);
            fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
        }
        let old = fs::metadata(&path).unwrap();
        for done in ways(folder.path(), &path, Some(&old), &|out| out.write_all(b"three")) {
            done.unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o604);
        }
    }

    #[test]
    fn each_way_that_fails_leaves_the_old_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let failing: Fill<'_> = &|out| {
            out.write_all(&[0; 3 * CHUNK])?;
            Err(io::Error::from_raw_os_error(libc::ENOSPC))
        };
        for done in ways(folder.path(), &path, None, failing) {
            assert_eq!(done.unwrap_err().raw_os_error(), Some(libc::ENOSPC));
        }
        // The rename fails: a folder stands in the place.
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        for done in ways(folder.path(), &taken, None, &|out| out.write_all(b"new")) {
            assert_eq!(done.unwrap_err().raw_os_error(), Some(libc::EISDIR));
        }
        assert_eq!(names(folder.path()), ["a", "taken"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    fn what_nobody_holds_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let (held, left) = (unfinished(folder.path()), unfinished(folder.path()));
        let holder = File::create(&held).unwrap();
        holder.lock().unwrap();
        fs::write(&left, "half of a").unwrap();
        // Names that only look alike, and what is no file.
        let alike = [format!("{PREFIX}0123456789abcde{SUFFIX}"), format!("{PREFIX}0123456789abcdeg{SUFFIX}"), format!("{PREFIX}{SUFFIX}")];
        alike.iter().for_each(|n| fs::write(folder.path().join(n), "mine").unwrap());
        fs::create_dir(unfinished(folder.path())).unwrap();
        let link = unfinished(folder.path());
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();

        let path = folder.path().join("a");
        let all = names(folder.path()).len();
        write(&path, &|out| out.write_all(b"new")).unwrap();
        assert!(!left.exists());
        assert!(held.exists() && link.is_symlink());
        assert_eq!(names(folder.path()).len(), all, "one gone, one new");
        drop(holder);
        write(&path, &|out| out.write_all(b"new")).unwrap();
        assert!(!held.exists());
        assert_eq!(names(folder.path()).len(), all - 1);
    }

    /// While a file is written under a name, a save of another process leaves it alone.
    #[test]
    fn a_save_under_way_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let place = Replacement { folder: folder.path(), target: &path, old: None };
        let during: Fill<'_> = &|out| {
            assert_eq!(names(folder.path()).len(), 1);
            clear(folder.path());
            assert_eq!(names(folder.path()).len(), 1);
            out.write_all(b"new")
        };
        place.by_name(during).unwrap();
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn links_lead_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = |n: &str| folder.path().join(n);
        let link = |to: &Path, from: &str| std::os::unix::fs::symlink(to, at(from)).unwrap();
        fs::create_dir(at("sub")).unwrap();
        link(Path::new("../end"), "sub/one");
        link(Path::new("sub/one"), "two");
        link(&at("two"), "three");
        for name in ["end", "sub/one", "two", "three"] {
            let (target, old) = target(&at(name)).unwrap();
            assert!(old.is_none());
            assert_eq!(fs::canonicalize(target.parent().unwrap()).unwrap(), fs::canonicalize(folder.path()).unwrap());
            assert_eq!(target.file_name().unwrap(), "end");
        }
        link(Path::new("loop"), "loop");
        assert_eq!(target(&at("loop")).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        // A chain longer than the kernel follows.
        (0..50).for_each(|i| link(Path::new(&format!("c{}", i + 1)), &format!("c{i}")));
        assert_eq!(target(&at("c0")).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        assert_eq!(target(&at("c20")).unwrap().0, at("c50"));
    }
}
