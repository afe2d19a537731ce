//! Whom a node calls, and whom it trusts there: the catalogue of the build with the files that are to stand in for it, and
//! certificates besides the public roots. All problems are told before the node starts.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::catalogue::lookup::Catalogue;
use crate::config::node_config::ConnectivitySection;
use crate::egress::client::Egress;

/// Ten times as many as the build has: a directory with more is not the one that was meant.
const FILES_MAX: usize = 256;

/// Far more than any provider takes to describe.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// Reads what the configuration names.
pub(super) fn load(section: &ConnectivitySection) -> Result<(Catalogue, Egress)> {
    let own = match &section.providers_dir {
        Some(directory) => {
            read_files(directory).with_context(|| format!("connectivity.providers_dir: {}", directory.display()))?
        }
        None => Vec::new(),
    };
    let catalogue = Catalogue::with_files(&own)?;
    let egress = match &section.ca_file {
        Some(file) => {
            let named = || format!("connectivity.ca_file: {}", file.display());
            let roots = refuse_open(file).and_then(|()| Ok(fs::read_to_string(file)?)).with_context(named)?;
            Egress::new(Some(&roots)).with_context(named)?
        }
        None => Egress::new(None)?,
    };
    Ok((catalogue, egress))
}

/// The name and the text of each `*.toml`, by name. Others are left alone; one that is no regular file is refused, for
/// nobody can say what reading it would come to.
fn read_files(directory: &Path) -> Result<Vec<(String, String)>> {
    refuse_open(directory)?;
    let mut names = Vec::new();
    for item in fs::read_dir(directory)? {
        let name = item?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(".toml") && !name.starts_with('.') {
            names.push(name.to_owned());
        }
    }
    if names.len() > FILES_MAX {
        bail!("it holds {} files, and {FILES_MAX} are the most", names.len());
    }
    names.sort();
    let read = |name: String| {
        let text = read_file(&directory.join(&name)).with_context(|| name.clone())?;
        Ok((name, text))
    };
    names.into_iter().map(read).collect()
}

/// Refuses what everybody may write: these files say where keys go, and whom to trust there.
fn refuse_open(path: &Path) -> Result<()> {
    let mode = fs::metadata(path)?.mode();
    if mode & 0o002 != 0 {
        bail!("everybody may write to it (mode {:o}), and so say where keys go: take that away", mode & 0o7777);
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<String> {
    // Looked at first, because to open a pipe would be to wait for somebody to write.
    if !fs::metadata(path)?.is_file() {
        bail!("it is no regular file");
    }
    refuse_open(path)?;
    let mut text = String::new();
    let read = File::open(path)?.take(FILE_BYTES_MAX.saturating_add(1)).read_to_string(&mut text)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        bail!("it is longer than {} KiB", FILE_BYTES_MAX >> 10);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "name = \"acme\"\ntitle = \"Acme\"\ntype = \"api_key\"\nprobe = \"none\"\nwhy = \"none is known\"\n\
                         [[fields]]\nname = \"key\"\nkind = \"secret\"\nvariables = [\"ACME_KEY\"]\n";

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            fs::write(directory.path().join(name), text).expect("written");
        }
        directory
    }

    fn load_from(directory: &Path) -> Result<Catalogue, String> {
        let section =
            ConnectivitySection { providers_dir: Some(directory.to_owned()), ..ConnectivitySection::default() };
        load(&section).map(|(catalogue, _)| catalogue).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn files_of_ones_own_are_added_and_what_is_no_toml_file_is_left_alone() {
        let own =
            directory(&[("acme.toml", SMALL), ("README", "no"), (".acme.toml.swp", "no"), (".hidden.toml", "no")]);
        assert_eq!(load_from(own.path()).map(|catalogue| catalogue.providers().len()), Ok(23));
        assert_eq!(load_from(directory(&[]).path()).map(|catalogue| catalogue.providers().len()), Ok(22));
    }

    #[test]
    fn every_problem_of_every_file_stops_the_start() {
        let (odd, bad) = (SMALL.replace("secret", "text"), SMALL.replace("acme", "other"));
        let own = directory(&[("acme.toml", &odd), ("else.toml", &bad)]);
        let told = load_from(own.path()).expect_err("refused");
        assert!(told.contains("acme.toml: fields[0].kind: \"text\" is not \"secret\" or \"string\""), "{told}");
        assert!(told.contains("else.toml: name: \"other\" is not what the file is called"), "{told}");
    }

    #[test]
    fn what_everybody_may_write_says_nothing_about_where_keys_go() {
        use std::os::unix::fs::PermissionsExt;
        let own = directory(&[("acme.toml", SMALL)]);
        let (file, directory) = (own.path().join("acme.toml"), own.path());
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
        for (path, to, back) in [(file.as_path(), 0o646, 0o644), (directory, 0o777, 0o755)] {
            open(path, to);
            let told = load_from(directory).expect_err("refused");
            assert!(told.contains("everybody may write to it"), "{told}");
            open(path, back);
        }
        assert!(load_from(directory).is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_name() {
        let told = load_from(Path::new("/nonexistent/providers")).expect_err("refused");
        assert!(told.starts_with("connectivity.providers_dir: /nonexistent/providers: "), "{told}");
        let own = directory(&[]);
        fs::create_dir(own.path().join("acme.toml")).expect("made");
        let told = load_from(own.path()).expect_err("refused");
        assert!(told.ends_with("acme.toml: it is no regular file"), "{told}");
        let long = directory(&[("acme.toml", &" ".repeat((256 << 10) + 1))]);
        let told = load_from(long.path()).expect_err("refused");
        assert!(told.ends_with("acme.toml: it is longer than 256 KiB"), "{told}");
        let names: Vec<String> = (0..257).map(|number| format!("p{number}.toml")).collect();
        let many = directory(&names.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>());
        let told = load_from(many.path()).expect_err("refused");
        assert!(told.ends_with("it holds 257 files, and 256 are the most"), "{told}");
    }
}
