//! The op table as Python data: what functions, stubs, documentation and tests are made from.

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::guarded;
use crate::error::closest;
use crate::graph::attr::AttrKind;
use crate::graph::op::{Body, Check, Domain, OpDef, ParamKind};
use crate::ops::{FAMILIES, TABLE};

/// A row of the op table, for `_apply`.
#[pyclass(frozen, name = "_Row", module = "scirs2_autograd._lib")]
pub struct Row(pub &'static OpDef);

#[pymethods]
impl Row {
    fn __repr__(&self) -> String {
        format!("<Row {}>", self.0.name)
    }
}

/// The row of this name; `KeyError` if there is none. Modules ask once, when they are imported.
#[pyfunction]
pub fn _row(name: &str) -> PyResult<Row> {
    guarded(|| TABLE.iter().find(|d| d.name == name).map(|d| Row(d)).ok_or_else(|| PyKeyError::new_err(name.to_owned())))
}

fn domain(d: Domain) -> (String, usize) {
    match d {
        Domain::Index(n) => ("index".to_owned(), n),
        Domain::Label(n) => ("label".to_owned(), n),
        other => (format!("{other:?}").to_lowercase(), 0),
    }
}

/// The name that is closest to another one, if it is close enough to be a misspelling of it.
#[pyfunction]
pub fn _closest(wanted: &str, names: Vec<String>) -> PyResult<Option<String>> {
    guarded(|| Ok(closest(wanted, names.iter().map(String::as_str)).map(str::to_owned)))
}

/// The rows of the op table, in order, as dictionaries: name, family, doc, params, outputs, lists, numpy, example, composite,
/// internal, by_hand, aliases, methods, linalg, signature, exempt, order (the highest that is tested), cases, bad.
#[pyfunction]
pub fn op_table<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
    let rows = PyList::empty(py);
    for (family, def) in FAMILIES.iter().flat_map(|f| f.rows.iter().map(|r| (f.title, *r))) {
        let row = PyDict::new(py);
        row.set_item("name", def.name)?;
        row.set_item("family", family)?;
        let lines: Vec<&str> = def.doc.lines().map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
        row.set_item("doc", lines.join("\n").trim())?;
        let params = PyList::empty(py);
        for p in def.params {
            let kind = match p.kind {
                ParamKind::Tensor(_) => "tensor".to_owned(),
                ParamKind::Tensors(_) => "tensors".to_owned(),
                ParamKind::Attr(k) => k.name().to_owned(),
            };
            let choices: Vec<&str> = match p.kind {
                ParamKind::Attr(AttrKind::Choice(names)) => names.to_vec(),
                _ => vec![],
            };
            params.append((p.name, kind, p.default.map(|d| d.to_string()), choices))?;
        }
        row.set_item("params", params)?;
        row.set_item("outputs", def.outputs.to_vec())?;
        row.set_item("lists", def.lists)?;
        row.set_item("numpy", def.numpy)?;
        row.set_item("example", def.example.as_ref().map(|e| (e.code.to_vec(), e.prints)))?;
        row.set_item("composite", matches!(def.body, Body::Composite(_)))?;
        row.set_item("internal", !def.flags.public)?;
        row.set_item("by_hand", def.flags.by_hand)?;
        row.set_item("aliases", def.flags.aliases.to_vec())?;
        row.set_item("methods", def.flags.methods.to_vec())?;
        row.set_item("linalg", def.flags.linalg.to_vec())?;
        row.set_item("signature", def.flags.signature)?;
        let exempt: Vec<_> =
            def.flags.exempt.iter().map(|(checks, why)| (checks.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>(), *why)).collect();
        row.set_item("exempt", exempt)?;
        let orders = [Check::First, Check::Second, Check::Third];
        row.set_item("order", orders.into_iter().take_while(|c| def.has(*c) && def.exempt(*c).is_none()).count())?;
        let cases = PyList::empty(py);
        for c in (def.cases)() {
            let inputs: Vec<_> = c.inputs.iter().map(|(d, s)| (domain(*d), s.clone())).collect();
            let attrs: Vec<String> = c.attrs.iter().map(|a| a.to_string()).collect();
            cases.append((inputs, attrs))?;
        }
        row.set_item("cases", cases)?;
        let bad = PyList::empty(py);
        for b in (def.bad)() {
            let inputs: Vec<_> = b.inputs.iter().map(|(d, s)| (d.name(), s.clone())).collect();
            let attrs: Vec<String> = b.attrs.iter().map(|a| a.to_string()).collect();
            bad.append((inputs, attrs, &*b.message))?;
        }
        row.set_item("bad", bad)?;
        rows.append(row)?;
    }
    Ok(rows)
}
