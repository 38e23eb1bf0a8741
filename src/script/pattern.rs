//! Regular expressions as scripts write them: POSIX extended (contract of `=~` and textops).

use regex::bytes::{Regex, RegexBuilder};

/// How a pattern is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternFlags {
    /// Without regard to the case of letters.
    pub ignore_case: bool,
    /// `^` and `$` match at line ends, and `.` and `[^...]` do not cross them.
    pub newline_sensitive: bool,
}

impl PatternFlags {
    /// The `=~` of the core language: case does not matter, newlines are ordinary bytes.
    pub const OPERATOR: Self = Self { ignore_case: true, newline_sensitive: false };
    /// The functions of textops: case does not matter, lines do.
    pub const TEXTOPS: Self = Self { ignore_case: true, newline_sensitive: true };
}

/// Compiles a POSIX extended regular expression over bytes.
///
/// # Errors
///
/// What is wrong with it, in a few words.
pub fn compile_pattern(pattern: &[u8], flags: PatternFlags) -> Result<Regex, String> {
    let text = std::str::from_utf8(pattern).map_err(|_| "not UTF-8".to_owned())?;
    RegexBuilder::new(text)
        .unicode(false)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.newline_sensitive)
        .dot_matches_new_line(!flags.newline_sensitive)
        .build()
        .map_err(|error| error.to_string())
}
