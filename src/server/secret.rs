//! The key that the branches of our Vias are made with.

use std::fs::File;
use std::hash::Hasher;
use std::io::Read;
use std::path::Path;

use siphasher::sip128::{Hasher128, SipHasher24};

use super::ServerError;
use crate::proxy::Listener;
use crate::script::Settings;

/// A key.
pub(super) type Secret = [u8; 16];

/// The key of branch and tag hashes: made of the script's `branch_secret`, so that servers that
/// share it understand each other's branches. Else it is made of what the machine is called by
/// itself and of the listeners: responses to what was forwarded before a restart are known after
/// it. A machine that has no such name gets a random key.
pub(super) fn branch_secret(
    settings: &Settings,
    listeners: &[Listener],
) -> Result<Secret, ServerError> {
    match (&settings.branch_secret, machine_id(Path::new("/etc/machine-id"))) {
        (Some(text), _) => Ok(secret_of(text)),
        (None, Some(id)) => Ok(secret_of(&format!("viaduct {id}{}", show(listeners)))),
        (None, None) => random_bytes(),
    }
}

/// The listeners, as they go into a key: what is said of them here stays the same.
fn show(listeners: &[Listener]) -> String {
    let show = |own: &Listener| format!(" {}:{}", own.transport.name(), own.address);
    listeners.iter().map(show).collect()
}

/// The key that a text makes.
pub(super) fn secret_of(text: &str) -> Secret {
    let mut hasher = SipHasher24::new();
    hasher.write(text.as_bytes());
    hasher.finish128().as_bytes()
}

/// Bytes that nobody can guess.
pub(super) fn random_bytes<const COUNT: usize>() -> Result<[u8; COUNT], ServerError> {
    let mut bytes = [0; COUNT];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(ServerError::system("cannot read random numbers"))?;
    Ok(bytes)
}

/// The number that the machine got when it was set up, which is not told outside (machine-id(5)).
/// Machines that were copied with it share it.
fn machine_id(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let id = text.trim();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && id.bytes().any(|byte| byte != b'0')).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Transport;

    /// A listener on that port.
    fn listener(port: u16) -> Listener {
        let address = ([192, 0, 2, 1], port).into();
        Listener { transport: Transport::Udp, address, advertise: None }
    }

    #[test]
    fn servers_with_the_same_secret_have_the_same_key() {
        let key = |secret: &str, port| {
            let settings =
                Settings { branch_secret: Some(secret.to_owned()), ..Settings::default() };
            branch_secret(&settings, &[listener(port)]).unwrap()
        };
        assert_eq!(key("tell no one", 5060), key("tell no one", 5070));
        assert_ne!(key("tell no one", 5060), key("tell someone", 5060));
    }

    #[test]
    fn servers_without_one_have_keys_of_their_own() {
        let key = |port| branch_secret(&Settings::default(), &[listener(port)]).unwrap();
        assert_ne!(key(5060), key(5070));
        let machine_has_a_name = machine_id(Path::new("/etc/machine-id")).is_some();
        assert_eq!(key(5060) == key(5060), machine_has_a_name, "the same after a restart");
    }

    #[test]
    fn only_a_number_names_a_machine() {
        let directory = std::env::temp_dir();
        let file = directory.join(format!("viaduct-machine-id-{}", std::process::id()));
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            machine_id(&file)
        };
        let number = "0123456789abcdef0123456789abcdef";
        assert_eq!(read(&format!("{number}\n")).as_deref(), Some(number));
        for text in ["", "uninitialized\n", "00000000000000000000000000000000\n", "0123\n"] {
            assert_eq!(read(text), None, "{text}");
        }
        std::fs::remove_file(&file).unwrap();
        assert_eq!(machine_id(&file), None);
    }
}
