//! What machine this is.

use std::fs;

use super::Machine;

impl Machine {
    /// This machine; what the kernel does not tell is `unknown`.
    #[must_use]
    pub fn read() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: known(cpu_model(&info)),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: known(kernel.trim()),
        }
    }
}

/// The model name of the first processor in the text of `/proc/cpuinfo`; empty if it has none, as
/// on most machines that are no PC.
fn cpu_model(info: &str) -> &str {
    let fields = info.lines().filter_map(|line| line.split_once(':'));
    let mut models = fields.filter(|(name, _)| name.trim() == "model name");
    models.next().map_or("", |(_, model)| model.trim())
}

/// The text, or `unknown` if there is none.
fn known(text: &str) -> String {
    if text.is_empty() { "unknown".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_names_the_model() {
        let info = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Example: 2 GHz\n\nmodel name\t: B";
        assert_eq!(cpu_model(info), "Example: 2 GHz");
    }

    #[test]
    fn a_model_that_is_not_told_is_unknown() {
        assert_eq!(known(cpu_model("processor\t: 0\nBogoMIPS\t: 50.00\n")), "unknown");
    }

    #[test]
    fn this_machine_has_cores_and_a_kernel() {
        let machine = Machine::read();
        assert!(machine.cores >= 1);
        assert!(!machine.kernel.contains('\n'));
    }
}
