//! The system calls that the standard library does not offer; the only room with `unsafe`.
//!
//! Addresses and control messages are plain bytes here, laid out as Linux wants them, and are
//! read and written with safe code. What is left for `unsafe` are the calls themselves: each says
//! why it is needed and why it is sound.

mod address;
mod control;
mod error;
mod fifo;
mod files;
mod interface;
mod option;
mod process;
mod receive;
mod send;
mod signal;
mod zone;

pub use control::Told;
pub use error::reason;
pub use fifo::make_fifo;
pub use files::raise_open_files;
pub use interface::interface_addresses;
pub use option::{
    choose_port_late, spread_over_group, take_merged, tell_destination_v4, tell_destination_v6,
    tell_overruns,
};
pub use process::{exit_status, kill_group, start_shell, watch_process};
pub use receive::{Arrival, Landings, ReceiveBatch};
pub use send::{Outgoing, SendBatch};
pub use signal::{Signal, block_signals, wait_for_signal};
pub use zone::{LocalZone, local_zone};

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_env = "gnu")))]
compile_error!("the layouts in sys/ are those of 64-bit Linux with the GNU C library");
