//! `minimum`, `maximum`, the exclusive ones, `multipleOf`.

use super::Check;
use crate::number::Number;
use crate::schema::NumberRules;

impl Check<'_, '_> {
    pub(super) fn number(&mut self, rules: &NumberRules, value: Number) {
        if rules.minimum.is_some_and(|bound| value.order(bound).is_lt())
            || rules.above.is_some_and(|bound| value.order(bound).is_le())
        {
            self.fail("smaller than allowed".to_owned());
        }
        if rules.maximum.is_some_and(|bound| value.order(bound).is_gt())
            || rules.below.is_some_and(|bound| value.order(bound).is_ge())
        {
            self.fail("larger than allowed".to_owned());
        }
        if rules.multiple_of.is_some_and(|step| !value.is_multiple(step)) {
            self.fail("not a multiple of the declared step".to_owned());
        }
    }
}
