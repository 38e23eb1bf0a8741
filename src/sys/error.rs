//! What the system said, for people.

use std::io;

/// The text of an error without its number: `Address already in use`.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(number) = text.find(" (os error") {
        text.truncate(number);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_left_out() {
        let error = io::Error::from_raw_os_error(libc::EADDRINUSE);
        assert_eq!(reason(&error), "Address already in use");
        assert_eq!(reason(&io::Error::other("no number")), "no number");
    }
}
