import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clhoi_mm.models.task_modules.mil import (
    bce_from_log_probs,
    log_prob_negative_bag,
    log_prob_positive_bag,
)

MEMBERS = st.lists(
    st.tuples(st.floats(-8, 8), st.floats(0.01, 1)), min_size=1, max_size=4
)


def single_bag_log_probs(members, further):
    logits, weight = torch.tensor(members, dtype=torch.float64).T
    bag = torch.zeros(len(members), dtype=torch.long)
    none = log_prob_negative_bag(logits, weight, bag, 1)
    return none, log_prob_positive_bag(logits, weight, bag, none, further)


@settings(deadline=None)
@given(MEMBERS, st.floats(0.01, 1))
def test_equals_sum_over_all_subsets_of_the_bag(members, further):
    probs = [weight / (1 + math.exp(-logit)) for logit, weight in members]
    expected = [0.0, 0.0]
    for yes in itertools.product((False, True), repeat=len(probs)):
        expected[any(yes)] += further ** max(0, sum(yes) - 1) * math.prod(
            p if y else 1 - p for p, y in zip(probs, yes)
        )
    none, some = single_bag_log_probs(members, further)
    assert math.isclose(none.exp(), expected[0], rel_tol=1e-6)
    assert math.isclose(some.exp(), expected[1], rel_tol=1e-5)


@settings(deadline=None)
@given(MEMBERS)
def test_extra_positive_prior_of_one_is_noisy_or(members):
    none, some = single_bag_log_probs(members, 1.0)
    assert math.isclose(some.exp() + none.exp(), 1, rel_tol=1e-6)


@pytest.mark.parametrize('further', [0.01, 0.3, 1.0])
@pytest.mark.parametrize('logit', [-40.0, 40.0])
def test_gradient_with_saturated_logits(logit, further):
    logits = torch.full((2,), logit, requires_grad=True)
    weight, bag = torch.ones(2), torch.zeros(2, dtype=torch.long)
    none = log_prob_negative_bag(logits, weight, bag, 1)
    some = log_prob_positive_bag(logits, weight, bag, none, further)
    assert torch.isfinite(some).all()
    some.sum().backward()
    assert torch.isfinite(logits.grad).all()
    if logit < 0:
        # Two equal members share the full gradient.
        torch.testing.assert_close(logits.grad, torch.full((2,), 0.5))
    elif further < 1:
        # With a sparsity prior, the second confident member is pushed down.
        assert (logits.grad <= 0).all()


def test_empty_bags_and_zero_weights():
    logits = torch.zeros(1, requires_grad=True)
    bag = torch.ones(1, dtype=torch.long)
    none = log_prob_negative_bag(logits, torch.zeros(1), bag, 3)
    some = log_prob_positive_bag(logits, torch.zeros(1), bag, none, 0.3)
    assert none.tolist() == [0.0, 0.0, 0.0]
    assert (some < -20).all() and torch.isfinite(some).all()
    some.sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_bce_with_soft_targets():
    no, target = torch.tensor([0.25]).log(), torch.tensor([0.9])
    assert math.isclose(
        bce_from_log_probs(no, target),
        -0.9 * math.log(0.75) - 0.1 * math.log(0.25),
        rel_tol=1e-6,
    )
    assert math.isclose(
        bce_from_log_probs(no, target, torch.tensor([0.5]).log()),
        -0.9 * math.log(0.5) - 0.1 * math.log(0.25),
        rel_tol=1e-6,
    )
