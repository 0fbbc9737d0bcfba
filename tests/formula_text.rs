//! Formulas as text: what each elementwise row is made of is printed and read back, and where it is plain arithmetic the text
//! gives the numbers that the kernel gives.

use std::collections::HashMap;
use std::fmt;

use scirs2_autograd::internals::{Arg, Body, Elementwise, Kernel, OpDef, TABLE, apply_in, detected};
use scirs2_autograd::{DType, run};

/// A formula.
#[derive(Clone, PartialEq, Debug)]
enum Expr {
    Number(f64),
    Name(String),
    Call(String, Vec<Expr>),
    Unary(char, Box<Expr>),
    Binary(char, Box<Expr>, Box<Expr>),
}

/// With brackets around each operation.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(x) => write!(f, "{x:?}"),
            Expr::Name(n) => f.write_str(n),
            Expr::Call(n, list) => {
                let list: Vec<String> = list.iter().map(Expr::to_string).collect();
                write!(f, "{n}({})", list.join(", "))
            }
            Expr::Unary(op, x) => write!(f, "({op}{x})"),
            Expr::Binary(op, a, b) => write!(f, "({a} {op} {b})"),
        }
    }
}

/// Operators from the loosest to the tightest.
const LEVELS: [&[char]; 5] = [&['|'], &['^'], &['&'], &['+', '-'], &['*', '/']];

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn whole(text: &str) -> Result<Expr, String> {
        let mut p = Parser { rest: text };
        let e = p.level(0)?;
        p.rest = p.rest.trim_start();
        if p.rest.is_empty() { Ok(e) } else { Err(format!("`{}` is left of `{text}`", p.rest)) }
    }
    fn next(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }
    fn taken(&mut self, c: char) -> bool {
        let here = self.next() == Some(c);
        if here {
            self.rest = &self.rest[c.len_utf8()..];
        }
        here
    }
    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.taken(c) { Ok(()) } else { Err(format!("`{c}` is missing before `{}`", self.rest)) }
    }
    fn level(&mut self, k: usize) -> Result<Expr, String> {
        let Some(ops) = LEVELS.get(k) else { return self.unary() };
        let mut e = self.level(k + 1)?;
        while let Some(op) = self.next().filter(|c| ops.contains(c)) {
            self.expect(op)?;
            e = Expr::Binary(op, Box::new(e), Box::new(self.level(k + 1)?));
        }
        Ok(e)
    }
    fn unary(&mut self) -> Result<Expr, String> {
        match self.next() {
            Some(op @ ('-' | '!')) => {
                self.expect(op)?;
                Ok(Expr::Unary(op, Box::new(self.unary()?)))
            }
            _ => self.atom(),
        }
    }
    fn word(&mut self, ok: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !ok(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }
    fn atom(&mut self) -> Result<Expr, String> {
        if self.taken('(') {
            let e = self.level(0)?;
            self.expect(')')?;
            return Ok(e);
        }
        if self.next().is_some_and(|c| c.is_ascii_digit()) {
            let mut text = self.word(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
            if text.ends_with('e') && self.taken('-') {
                text = format!("{text}-{}", self.word(|c| c.is_ascii_digit()));
            }
            return text.replace('_', "").parse().map(Expr::Number).map_err(|e| format!("{text}: {e}"));
        }
        let name = self.word(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':').replace(' ', "");
        if name.is_empty() {
            return Err(format!("nothing can be read at `{}`", self.rest));
        }
        if !self.taken('(') {
            return Ok(Expr::Name(name));
        }
        let mut list = vec![];
        while !self.taken(')') {
            list.push(self.level(0)?);
            if !self.taken(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(Expr::Call(name, list))
    }
}

/// The value of a formula in `f64`, with truth as 1; `None` if it has a function that is more than arithmetic.
fn value(e: &Expr, at: &HashMap<&str, f64>) -> Option<f64> {
    let truth = |b: bool| f64::from(u8::from(b));
    Some(match e {
        Expr::Number(x) => *x,
        Expr::Name(n) => *at.get(n.as_str())?,
        Expr::Unary('-', x) => -value(x, at)?,
        Expr::Unary(_, x) => 1.0 - value(x, at)?,
        Expr::Binary(op, a, b) => {
            let (a, b) = (value(a, at)?, value(b, at)?);
            match op {
                '+' => a + b,
                '-' => a - b,
                '*' => a * b,
                '/' => a / b,
                '&' => a * b,
                '|' => a.max(b),
                _ => truth(a != b),
            }
        }
        Expr::Call(name, list) => {
            let list: Vec<f64> = list.iter().map(|x| value(x, at)).collect::<Option<_>>()?;
            match (name.as_str(), &list[..]) {
                ("select", [c, a, b]) => {
                    if *c != 0.0 {
                        *a
                    } else {
                        *b
                    }
                }
                ("max", [a, b]) => {
                    if a.is_nan() || b.is_nan() {
                        f64::NAN
                    } else {
                        a.max(*b)
                    }
                }
                ("min", [a, b]) => {
                    if a.is_nan() || b.is_nan() {
                        f64::NAN
                    } else {
                        a.min(*b)
                    }
                }
                ("abs", [x]) => x.abs(),
                ("sqrt", [x]) => x.sqrt(),
                ("eq", [a, b]) => truth(a == b),
                ("ne", [a, b]) => truth(a != b),
                ("lt", [a, b]) => truth(a < b),
                ("le", [a, b]) => truth(a <= b),
                ("gt", [a, b]) => truth(a > b),
                ("ge", [a, b]) => truth(a >= b),
                _ => return None,
            }
        }
    })
}

fn formulas() -> impl Iterator<Item = (&'static OpDef, &'static Elementwise)> {
    TABLE.iter().filter_map(|&def| match &def.body {
        Body::Primitive(p) => match &p.kernel {
            Kernel::Tile(e) => Some((def, e)),
            _ => None,
        },
        Body::Composite(_) => None,
    })
}

#[test]
fn a_formula_is_printed_and_read_back() {
    let mut n = 0;
    for (def, e) in formulas() {
        let read = Parser::whole(e.text).unwrap_or_else(|why| panic!("{}: {why}", def.name));
        assert_eq!(Parser::whole(&read.to_string()).as_ref(), Ok(&read), "{}: {}", def.name, e.text);
        assert_eq!(e.operands.len(), e.arity as usize, "{}", def.name);
        n += 1;
    }
    assert!(n > 40, "{n}");
}

#[test]
fn the_text_gives_what_the_kernel_gives() {
    let numbers = [0.0, -0.0, 1.0, -2.5, 0.3, 7.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let mut compared = 0;
    for (def, e) in formulas() {
        let read = Parser::whole(e.text).unwrap();
        // Rows of bools and of bits read other operands than these.
        if (e.forms)(detected(), DType::F64).is_none() {
            continue;
        }
        for k in 0..numbers.len().pow(u32::from(e.arity)) {
            let x: Vec<f64> = (0..e.arity).map(|i| numbers[k / numbers.len().pow(u32::from(i)) % numbers.len()]).collect();
            let at: HashMap<&str, f64> = e.operands.iter().copied().zip(x.iter().copied()).collect();
            let Some(wanted) = value(&read, &at) else { break };
            let got = run(|ctx| {
                let args: Vec<Arg<'_>> = x.iter().map(|&v| Arg::from(ctx.constant(ndarray::arr0(v)))).collect();
                Some(apply_in(ctx, def, &args, &[]).ok()?.first()?.eval(ctx).unwrap())
            });
            // A row of integers refuses these.
            let Some(got) = got.as_ref().and_then(|a| a.item().ok()) else { break };
            assert!(got == wanted || (got.is_nan() && wanted.is_nan()), "{}{x:?}: {got} for {wanted} by `{}`", def.name, e.text);
            compared += 1;
        }
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn what_is_no_formula_is_refused() {
    for text in ["", "a +", "f(a", "a b", "1..2", "a $ b"] {
        assert!(Parser::whole(text).is_err(), "{text}");
    }
}
