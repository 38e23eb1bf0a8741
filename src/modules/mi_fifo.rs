//! `mi_fifo`: the FIFO of OpenSER, for the administrator's commands. The server reads it; here are
//! its parameters.

use std::sync::Arc;

use super::table::{accepted_number, accepted_text, number, text_setting};
use crate::script::ast::GlobalValue;
use crate::script::{ControlSettings, ModuleConfig, ModuleSpec, SettingKind, SettingSpec};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    settings: SETTINGS,
    fixed: &[("fifo_name", ""), ("fifo_mode", "384"), ("reply_dir", "/tmp")],
    configure: Some(configure),
    ..ModuleSpec::new("mi_fifo", "A FIFO for the administrator's commands, as OpenSER has it.")
};

/// Says of a parameter that the FIFO belongs to who runs the server.
const OWNER: &str = "Changes nothing: the FIFO belongs to the user of the server.";

/// The parameters.
const SETTINGS: &[SettingSpec] = &[
    text_setting("fifo_name", "The path of the FIFO; without it there is none."),
    SettingSpec {
        name: "fifo_mode",
        kind: SettingKind::Int,
        effective: true,
        doc: "The permissions of the FIFO, in octal: 0600.",
    },
    text_setting("reply_dir", "The folder of the FIFOs that answers are written to: `/tmp`."),
    accepted_text("fifo_user", OWNER),
    accepted_text("fifo_group", OWNER),
    accepted_text("reply_indent", "Changes nothing: answers have no indented parts."),
    accepted_number("pretty_format", "Changes nothing: what answers look like is fixed."),
];

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = ControlSettings::default();
    for (position, (name, value)) in values.iter().enumerate() {
        match *name {
            "fifo_mode" => {
                config.fifo_mode =
                    number(name, value, 0, 0o777).map_err(|text| (position, text))?;
            }
            "fifo_name" => {
                config.fifo = Some(path(name, value).map_err(|text| (position, text))?);
            }
            "reply_dir" => {
                config.reply_folder = path(name, value).map_err(|text| (position, text))?;
            }
            _ => {}
        }
    }
    // An empty name is what stands for none where it has to stay as it was.
    config.fifo = config.fifo.filter(|path| !path.is_empty());
    Ok(Arc::new(config))
}

/// The path that a parameter is set to, or what is wrong.
fn path(name: &str, value: &GlobalValue) -> Result<String, String> {
    match value {
        GlobalValue::Text(text) if !text.contains(&0) => {
            Ok(String::from_utf8_lossy(text).into_owned())
        }
        _ => Err(format!("{name} must be a path")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G12
    #[test]
    fn the_parameters_of_openser_are_read() {
        let text = |text: &str| GlobalValue::Text(text.as_bytes().to_vec());
        let values = [
            ("fifo_name", text("/tmp/openser_fifo")),
            ("fifo_mode", GlobalValue::Int(0o660)),
            ("reply_dir", text("/run/replies")),
        ];
        let config = configure(&values).unwrap();
        let expected = ControlSettings {
            socket: None,
            fifo: Some("/tmp/openser_fifo".to_owned()),
            fifo_mode: 0o660,
            reply_folder: "/run/replies".to_owned(),
        };
        assert_eq!(config.downcast_ref::<ControlSettings>(), Some(&expected));
        let (position, why) = configure(&[("fifo_mode", GlobalValue::Int(0o1000))]).unwrap_err();
        assert_eq!((position, &*why), (0, "fifo_mode must be a number from 0 to 511"));
        assert!(configure(&[("fifo_name", text("a\0b"))]).is_err());
    }
}
