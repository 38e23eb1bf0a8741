//! The FIFO of SER and OpenSER, and the FIFOs that answers go to.
//!
//! They lie in a folder that others may write to, so nothing there is trusted: no link is
//! followed, nothing but a FIFO is opened, nobody is waited for.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::socket::Belonging;
use crate::sys;

/// The FIFO that commands come through.
#[derive(Debug)]
pub(super) struct ControlFifo {
    /// Removed before the lock is given back: who has the lock next makes a path of its own.
    _path: Belonging,
    pub(super) file: File,
}

impl ControlFifo {
    /// Opens the FIFO at `path`; makes it if it is not there.
    ///
    /// # Errors
    ///
    /// When another server has it, something else is there, it belongs to another user, or the
    /// system refuses.
    pub(super) fn open(path: &Path, mode: u32) -> io::Result<Self> {
        match sys::make_fifo(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let metadata = fs::symlink_metadata(path)?;
        if !metadata.file_type().is_fifo() {
            return Err(io::Error::other("there is something that is no FIFO"));
        }
        let file = options().read(true).open(path)?;
        let opened = file.metadata()?;
        if (opened.dev(), opened.ino()) != (metadata.dev(), metadata.ino()) {
            return Err(io::Error::other("it is being replaced"));
        }
        if opened.uid() != fs::metadata("/proc/self")?.uid() {
            return Err(io::Error::other("the FIFO there belongs to another user"));
        }
        if file.try_lock().is_err() {
            return Err(io::Error::other("another server has it"));
        }
        // Before it was locked, the server that had it may have ended and removed it.
        let own = Belonging::of(path, &opened);
        if !own.is_there() {
            return Err(io::Error::other("it is being replaced"));
        }
        file.set_permissions(Permissions::from_mode(mode))?;
        Ok(Self { _path: own, file })
    }
}

/// A FIFO that an answer goes to. It is opened when somebody reads it.
#[derive(Debug)]
pub(super) struct ReplyFifo {
    path: PathBuf,
    file: Option<File>,
}

/// Bytes of the name of such a FIFO: what a file system takes.
const REPLY_NAME_BYTES_MAX: usize = 255;

impl ReplyFifo {
    /// The FIFO `name` in `folder`; none if that is no name for one.
    pub(super) fn new(folder: &Path, name: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let is_name = name.len() <= REPLY_NAME_BYTES_MAX
            && name.bytes().all(is_plain)
            && !matches!(name, "" | "." | "..");
        is_name.then(|| Self { path: folder.join(name), file: None })
    }

    /// The open FIFO.
    ///
    /// # Errors
    ///
    /// `WouldBlock` as long as nobody reads it. Else it cannot be an answer's.
    pub(super) fn file(&mut self) -> io::Result<&File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        Ok(self.file.insert(file))
    }

    /// Whether it is open.
    pub(super) const fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Opens it.
    fn open(&self) -> io::Result<File> {
        let found = fs::symlink_metadata(&self.path)?;
        if !found.file_type().is_fifo() {
            return Err(io::Error::other("it is no FIFO"));
        }
        let file = options().write(true).open(&self.path).map_err(|error| {
            if error.raw_os_error() == Some(libc::ENXIO) {
                io::ErrorKind::WouldBlock.into()
            } else {
                error
            }
        })?;
        let opened = file.metadata()?;
        // A second name might be one that an enemy gave to somebody's FIFO elsewhere.
        if !opened.file_type().is_fifo() || opened.nlink() != 1 {
            return Err(io::Error::other("it is no FIFO of its own"));
        }
        Ok(file)
    }
}

impl Write for ReplyFifo {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How files are opened where others may write: no links, no waiting.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder of the test's own.
    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("viaduct-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    // G12
    #[test]
    fn a_fifo_is_made_used_by_one_server_and_removed() {
        let folder = folder("fifo");
        let path = folder.join("ser_fifo");
        let first = ControlFifo::open(&path, 0o620).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
        let error = ControlFifo::open(&path, 0o600).unwrap_err();
        assert_eq!(error.to_string(), "another server has it");
        drop(first);
        assert!(!path.exists());
        sys::make_fifo(&path).unwrap();
        drop(ControlFifo::open(&path, 0o600).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn links_and_files_are_no_fifos() {
        let folder = folder("links");
        let (file, link, real) = (folder.join("file"), folder.join("link"), folder.join("real"));
        fs::write(&file, "precious").unwrap();
        sys::make_fifo(&real).unwrap();
        symlink(&real, &link).unwrap();
        for path in [&file, &link] {
            let error = ControlFifo::open(path, 0o600).unwrap_err();
            assert_eq!(error.to_string(), "there is something that is no FIFO");
        }
        let mut reader = options().read(true).open(&real).unwrap();
        for name in ["file", "link", "missing"] {
            let error = ReplyFifo::new(&folder, name).unwrap().file().unwrap_err();
            assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "{name}");
        }
        fs::hard_link(&real, folder.join("other")).unwrap();
        assert!(ReplyFifo::new(&folder, "other").unwrap().file().is_err());
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_answer_goes_to_a_plain_name_only() {
        for name in ["../etc/x", "a/b", "/tmp/x", "", ".", "..", "a b", "a\nb", &"x".repeat(256)] {
            assert!(ReplyFifo::new(Path::new("/tmp"), name).is_none(), "{name:?}");
        }
        let fifo = ReplyFifo::new(Path::new("/tmp"), "ser_receiver_1.2-x").unwrap();
        assert_eq!(fifo.path, Path::new("/tmp/ser_receiver_1.2-x"));
    }

    #[test]
    fn nobody_who_reads_is_nobody_to_wait_for() {
        let folder = folder("reader");
        let path = folder.join("reply");
        sys::make_fifo(&path).unwrap();
        let mut reply = ReplyFifo::new(&folder, "reply").unwrap();
        assert_eq!(reply.write(b"x").unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(!reply.is_open());
        let mut reader = options().read(true).open(&path).unwrap();
        assert_eq!(reply.write(b"x").unwrap(), 1);
        assert!(reply.is_open());
        let mut text = [0; 2];
        assert_eq!(reader.read(&mut text).unwrap(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
