//! The socket for `viaduct ctl`: for the user of the server only, and for one server at a time.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use mio::net::UnixListener;
use socket2::{Domain, SockAddr, Socket, Type};

/// A socket that commands come through.
#[derive(Debug)]
pub(super) struct ControlSocket {
    /// Removed while it is still listened at: who finds nobody there takes the path over.
    _path: Belonging,
    pub(super) listener: UnixListener,
}

/// A file that goes with its owner.
#[derive(Debug)]
pub(super) struct Belonging {
    path: PathBuf,
    /// Device and number: what somebody else put in its place stays.
    id: (u64, u64),
}

impl Belonging {
    /// The file of that metadata, which is, or was, at that path.
    pub(super) fn of(path: &Path, metadata: &fs::Metadata) -> Self {
        Self { path: path.to_owned(), id: (metadata.dev(), metadata.ino()) }
    }

    /// Whether it is still at its path.
    pub(super) fn is_there(&self) -> bool {
        let is_ours = |it: fs::Metadata| (it.dev(), it.ino()) == self.id;
        fs::symlink_metadata(&self.path).is_ok_and(is_ours)
    }
}

impl Drop for Belonging {
    fn drop(&mut self) {
        if self.is_there() {
            // What stays behind is taken over by the next server.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

impl ControlSocket {
    /// Listens at `path`, where nobody else may.
    ///
    /// # Errors
    ///
    /// When another server listens there, something that is no socket is there, or the system
    /// refuses.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        remove_left_over(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // Before there is a path: nobody else can ever open it.
        let handle = File::from(OwnedFd::from(socket));
        handle.set_permissions(Permissions::from_mode(0o600))?;
        let socket = Socket::from(OwnedFd::from(handle));
        socket.bind(&SockAddr::unix(path)?)?;
        let own = Belonging::of(path, &fs::symlink_metadata(path)?);
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let listener = UnixListener::from_std(StdListener::from(OwnedFd::from(socket)));
        Ok(Self { _path: own, listener })
    }
}

/// Removes the socket of a server that is no more.
fn remove_left_over(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::other("there is something that is no socket"));
        }
        Ok(_) => {}
    }
    refuse_if_alive(path)?;
    // Another server that starts just now may have put its own there since. It is looked at again
    // where nobody else looks, and put back then.
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(aside);
    fs::rename(path, &aside)?;
    let alive = refuse_if_alive(&aside);
    if alive.is_err() {
        fs::hard_link(&aside, path)?;
    }
    fs::remove_file(&aside)?;
    alive
}

/// An error if a server listens at the socket.
fn refuse_if_alive(path: &Path) -> io::Result<()> {
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A server that hangs accepts nobody: to wait for a place among those that call would last.
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(io::Error::other("another server listens there")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    /// A path of the test's own.
    fn fresh(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("viaduct-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    // G13
    #[test]
    fn the_socket_is_for_one_user_and_one_server_and_goes_with_it() {
        let path = fresh("own");
        let first = ControlSocket::bind(&path).unwrap();
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = ControlSocket::bind(&path).unwrap_err();
        assert_eq!(error.to_string(), "another server listens there");
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_dead_server_left_is_taken_over() {
        let path = fresh("left");
        drop(StdListener::bind(&path).unwrap());
        assert!(path.exists(), "std leaves the path behind");
        let socket = ControlSocket::bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        drop(socket);
    }

    #[test]
    fn a_server_that_accepts_nobody_is_alive() {
        let path = fresh("hung");
        let hung = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        hung.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        hung.listen(0).unwrap();
        let mut callers = Vec::new();
        loop {
            let caller = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            caller.set_nonblocking(true).unwrap();
            if caller.connect(&SockAddr::unix(&path).unwrap()).is_err() {
                break;
            }
            callers.push(caller);
        }
        let error = ControlSocket::bind(&path).unwrap_err();
        assert_eq!(error.to_string(), "another server listens there");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn nothing_but_a_socket_is_removed() {
        let path = fresh("file");
        fs::write(&path, "precious").unwrap();
        let error = ControlSocket::bind(&path).unwrap_err();
        assert_eq!(error.to_string(), "there is something that is no socket");
        let link = fresh("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(ControlSocket::bind(&link).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
        fs::remove_file(&link).unwrap();
        assert!(ControlSocket::bind(Path::new("/nonexistent/viaduct/ctl")).is_err());
    }

    #[test]
    fn what_took_its_place_stays() {
        let path = fresh("replaced");
        let socket = ControlSocket::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another's").unwrap();
        drop(socket);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
    }
}
