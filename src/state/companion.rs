//! What an optimizer keeps beside a variable: variables in a namespace of its own, found by the name of the one that they belong to.
//!
//! By its name, not by its place: a file that is read into an environment with the same variables in another order must not give
//! the moments of one to another.

use super::key;
use super::value::Stored;
use super::variables::State;
use super::{VariableEnvironment, VariableID};
use crate::array::Array;
use crate::array::Filled;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{Dims, Tuple};

/// A part of what an optimizer keeps for each variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// No two parts of any optimizers have the same: so no optimizer takes the state of another kind for its own.
    pub name: &'static str,
    /// A number for the variable, not one for each of its elements.
    pub scalar: bool,
}

/// The optimizer that keeps state.
#[derive(Clone, Copy)]
pub(crate) struct Keeper<'a> {
    /// The optimizer, for messages.
    pub op: &'static str,
    pub namespace: &'a str,
    /// True if state that an optimizer of this process uses already is refused. State that was loaded and not used yet is not.
    pub alone: bool,
}

impl State {
    /// The name of a part of the state of the variable at `index`.
    fn companion(&self, index: u32, part: Part) -> String {
        let Some(e) = self.entries.get(index as usize) else { return String::new() };
        let ordinal = match e.name {
            Some(_) => 0,
            None => self.unnamed(&e.space).iter().position(|&i| i == index).unwrap_or(0),
        };
        format!("{}.{}", key::encode(&e.space, e.name.as_deref(), ordinal), part.name)
    }

    /// Dtype and shape of a part of the state of the variable at `index`: the dtype is none as long as the variable's is. None for a
    /// variable that has no gradient.
    fn wanted(&self, index: u32, part: Part) -> Result<Option<(Option<DType>, Dims)>> {
        let Some(e) = self.entries.get(index as usize) else { return Ok(None) };
        let (dtype, dims) = e.aval.clone()?;
        let floats = dtype.is_none_or(DType::is_float);
        Ok(floats.then_some((dtype, if part.scalar { Dims::new() } else { dims })))
    }

    /// An error if what is kept at `kept` does not fit the variable at `index`, which was set anew since, or belongs to another network.
    fn fits(&self, op: &str, index: u32, kept: u32, wanted: &(Option<DType>, Dims)) -> Result<()> {
        let Some(e) = self.entries.get(kept as usize) else { return Ok(()) };
        let (dtype, dims) = e.aval.clone()?;
        if dims == wanted.1 && (dtype == wanted.0 || dtype.is_none() || wanted.0.is_none()) {
            return Ok(());
        }
        let shown = |dtype: Option<DType>, dims: &Dims| format!("{}{}", dtype.map_or(String::new(), |d| format!("{d} ")), Tuple(dims));
        let got = format!("{} for {}", shown(dtype, &dims), self.label(index));
        let e = Error::new(ErrorKind::Shape, op, "the state does not fit the variable", got, shown(wanted.0, &wanted.1));
        Err(e.help("use another namespace, in which the state starts anew"))
    }
}

impl VariableEnvironment {
    /// Makes all parts of the state of the variables `of`, as zeros, but for those that are there already: an environment that was
    /// loaded goes on where it was saved. Variables that are not floating have none.
    ///
    /// Fails for an id of another environment (`Variable`), for state that does not fit its variable (`Shape`), for state that is in
    /// use where that is refused (`Value`), and without memory; then nothing has changed.
    pub(crate) fn keep(&self, place: Keeper<'_>, of: &[VariableID], parts: &[Part]) -> Result<()> {
        let mut all = Vec::with_capacity(of.len() * parts.len());
        let mut missing = vec![];
        let state = self.shared.lock();
        for &id in of {
            let index = state.index(id)?;
            for &part in parts {
                let (name, Some(wanted)) = (state.companion(index, part), state.wanted(index, part)?) else { continue };
                match state.find(place.namespace, &name) {
                    Some(kept) => {
                        state.fits(place.op, index, kept, &wanted)?;
                        if place.alone && state.in_use.contains(&kept) {
                            return Err(shared(place, &state.label(index)));
                        }
                    }
                    None => missing.push((name.clone(), wanted)),
                }
                all.push(name);
            }
        }
        drop(state);
        let zeros = |(name, (dtype, dims)): (String, (Option<DType>, Dims))| match dtype {
            Some(dtype) => Ok((name, Stored::Array(Array::zeros(dtype, &dims)?))),
            None => Ok((name, Stored::Weak(Filled::new(&dims, 0.0)))),
        };
        let made = missing.into_iter().map(zeros).collect::<Result<Vec<_>>>()?;
        let mut state = self.shared.lock();
        for (name, value) in made {
            if state.find(place.namespace, &name).is_none() {
                state.put(place.namespace, Some(&name), Ok(value));
            }
        }
        for name in all {
            if let Some(kept) = state.find(place.namespace, &name) {
                state.in_use.insert(kept);
            }
        }
        Ok(())
    }

    /// A part of the state of a variable; none if it was not made for that variable. Fails where the two do not fit any more (`Shape`).
    pub(crate) fn kept(&self, place: Keeper<'_>, of: VariableID, part: Part) -> Result<Option<VariableID>> {
        let state = self.shared.lock();
        let index = state.index(of)?;
        let Some(kept) = state.find(place.namespace, &state.companion(index, part)) else { return Ok(None) };
        let Some(wanted) = state.wanted(index, part)? else { return Ok(None) };
        state.fits(place.op, index, kept, &wanted)?;
        Ok(Some(state.id(kept)))
    }
}

fn shared(place: Keeper<'_>, label: &str) -> Error {
    let got = format_args!("state for {label} in namespace {:?}", place.namespace);
    let e = Error::new(ErrorKind::Value, place.op, "another optimizer uses this state", got, "state of its own");
    e.help(format!("pass `namespace`: a new name starts anew, {:?} goes on with the state that is there", place.namespace))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    const M: Part = Part { name: "m", scalar: false };
    const T: Part = Part { name: "t", scalar: true };

    fn place(alone: bool) -> Keeper<'static> {
        Keeper { op: "Adam", namespace: "adam", alone }
    }
    fn text(e: Error) -> String {
        format!("{:?}: {e}", e.kind())
    }

    #[test]
    fn state_is_named_for_its_variable() {
        let env = VariableEnvironment::new();
        let ids = [
            env.name("w").set(array![1.0f32, 2.0]),
            env.set(array![[1.0]]),
            env.namespace("layer").slot().name("a/b").set(3.0f32),
            env.namespace("layer").slot().set(4.0f32),
            env.set(5.0),
            env.name("w.m").set(6.0),
        ];
        env.keep(place(false), &ids, &[M, T]).unwrap();
        let names = ["w", "%unnamed0", "layer/a%2Fb", "layer/%unnamed0", "%unnamed1", "w.m"];
        let wanted: Vec<String> = names.iter().flat_map(|n| ["m", "t"].map(|p| format!("{n}.{p}"))).collect();
        assert_eq!(env.namespace("adam").current_var_names(), wanted);
        // Zeros in the dtype of the variable, and in its shape or without axes.
        assert_eq!(env.get(("adam", "w.m")).unwrap(), array![0.0f32, 0.0]);
        assert_eq!(env.get(("adam", "w.t")).unwrap(), ndarray::arr0(0.0f32));
        assert_eq!(env.get(("adam", "%unnamed0.m")).unwrap(), array![[0.0]]);
        assert_eq!(env.kept(place(false), ids[0], T).unwrap(), Some(env.lookup("adam", "w.t").unwrap()));
        assert_eq!(env.kept(place(false), ids[0], Part { name: "h", scalar: false }).unwrap(), None);
        assert_eq!(env.kept(Keeper { namespace: "other", ..place(false) }, ids[0], T).unwrap(), None);
    }

    #[test]
    fn what_has_no_gradient_has_no_state_and_what_has_no_dtype_waits() {
        let env = VariableEnvironment::new();
        let ids = [env.name("n").set(1i64), env.name("mask").set(true), env.name("w").set(Filled::new(&[2], 0.0))];
        env.keep(place(false), &ids, &[M]).unwrap();
        assert_eq!(env.namespace("adam").current_var_names(), ["w.m"]);
        env.name("v").set(1.0f32);
        assert_eq!(env.get(("adam", "w.m")).unwrap(), array![0.0f32, 0.0]);
        assert_eq!(env.kept(place(false), ids[0], M).unwrap(), None);
    }

    #[test]
    fn state_in_use_is_refused_to_those_who_want_their_own() {
        let env = VariableEnvironment::new();
        let w = env.name("w").set(1.0);
        let v = env.namespace("layer").slot().name("v").set(1.0);
        // Loaded, say: nobody uses it.
        env.namespace("adam").slot().name("w.m").set(7.0);
        // The same variable twice is not two optimizers.
        env.keep(place(true), &[w, w], &[M]).unwrap();
        assert_eq!(env.get(("adam", "w.m")).unwrap(), ndarray::arr0(7.0));
        let want = "Value: Adam: another optimizer uses this state. Got state for \"w\" in namespace \"adam\"; expected state of its own.\n\
                    help: pass `namespace`: a new name starts anew, \"adam\" goes on with the state that is there";
        assert_eq!(text(env.keep(place(true), &[v, w], &[M]).unwrap_err()), want);
        assert_eq!(env.namespace("adam").current_var_names(), ["w.m"], "nothing was made for the other one");
        env.keep(place(false), &[v, w], &[M]).unwrap();
        assert_eq!(text(env.keep(place(true), &[v], &[M]).unwrap_err()), want.replace("\"w\"", "\"v\" of namespace \"layer\""));
        env.keep(Keeper { namespace: "second", ..place(true) }, &[v, w], &[M]).unwrap();
        // A copy's state is nobody's.
        let copy = VariableEnvironment::from_bytes(&env.to_bytes().unwrap()).unwrap();
        copy.keep(place(true), &[copy.lookup("", "w").unwrap()], &[M]).unwrap();
    }

    #[test]
    fn state_that_does_not_fit_is_an_error_and_makes_nothing() {
        let env = VariableEnvironment::new();
        let w = env.name("w").set(array![1.0f32, 2.0]);
        env.keep(place(false), &[w], &[M, T]).unwrap();
        let v = env.name("v").set(1.0f32);
        for (value, wanted) in [
            (Stored::Array(Array::zeros(DType::F32, &[3]).unwrap()), "float32 (3,)"),
            (Stored::Weak(Filled::new(&[4], 0.0)), "float32 (4,)"),
        ] {
            let mut state = env.shared.lock();
            let value = state.decided(Some(0), value).unwrap();
            state.store(0, Ok(value));
            drop(state);
            let want = format!(
                "Shape: Adam: the state does not fit the variable. Got float32 (2,) for \"w\"; expected {wanted}.\n\
                 help: use another namespace, in which the state starts anew"
            );
            assert_eq!(text(env.keep(place(false), &[v, w], &[M, T]).unwrap_err()), want);
            assert_eq!(text(env.kept(place(false), w, M).unwrap_err()), want);
        }
        assert_eq!(env.namespace("adam").current_var_names(), ["w.m", "w.t"]);
        env.name("w").set(array![1.0, 2.0]);
        let e = text(env.kept(place(false), w, T).unwrap_err());
        assert!(e.contains("Got float32 () for \"w\"; expected float64 ()."), "{e}");
        // An error of the variable itself, and an id of another environment.
        let bad = env.set(Filled::new(&[usize::MAX, 2], 0.0));
        env.resolve(DType::F32).unwrap();
        assert_eq!(env.keep(place(false), &[bad], &[M]).unwrap_err().kind(), ErrorKind::Memory);
        let foreign = VariableEnvironment::new().name("w").set(1.0);
        assert_eq!(env.keep(place(false), &[foreign], &[M]).unwrap_err().kind(), ErrorKind::Variable);
    }
}
