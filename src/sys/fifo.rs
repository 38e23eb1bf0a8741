//! Making a FIFO.

#![expect(unsafe_code, reason = "the standard library does not offer what is needed here")]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Makes a FIFO, at first for its owner only.
///
/// # Errors
///
/// As `mkfifo`; `InvalidInput` if there is a NUL in the path.
pub fn make_fifo(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // Why: the standard library makes no FIFOs.
    // SAFETY: the path ends with NUL and lives through the call, which only reads it.
    match unsafe { libc::mkfifo(path.as_ptr(), 0o600) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::FileTypeExt;

    use super::*;

    #[test]
    fn a_fifo_is_made_once() {
        let path = std::env::temp_dir().join(format!("viaduct-fifo-{}", std::process::id()));
        make_fifo(&path).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
        assert_eq!(make_fifo(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_file(&path).unwrap();
        assert_eq!(make_fifo(Path::new("a\0b")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
