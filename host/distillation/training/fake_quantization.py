"""Rounds as an int8 kernel does, and lets gradients pass: what quantization-aware training trains.

Scales and range ends are learned as exponents, so that one learning rate, a relative change, fits
them all, and none changes its sign (after Esser et al. 2020, "Learned Step Size Quantization", and
Bhalgat et al. 2020, "LSQ+", for ranges with a zero point).
"""

from __future__ import annotations

import numpy as np
import torch

from host.arithmetic.scaling import INT8_MAX, INT8_MIN
from host.distillation.empty_channels import usable_scales
from host.models.graph import Quantization

STEPS = INT8_MAX - INT8_MIN


def straight_through(values: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    """``result`` forward, to the last bit; the gradient goes to ``values`` (Bengio et al. 2013)."""
    return result.detach() + (values - values.detach())


def rounded(values: torch.Tensor, *, half_to_even: bool = False) -> torch.Tensor:
    """To integers; by default half away from zero, as kernels do."""
    exact = values.detach()
    if half_to_even:
        return straight_through(values, torch.round(exact))
    return straight_through(values, _half_away(exact))


def _half_away(values: torch.Tensor) -> torch.Tensor:
    return torch.sign(values) * torch.floor(torch.abs(values) + 0.5)


def rounded_twice(values: torch.Tensor, multipliers: torch.Tensor) -> torch.Tensor:
    """To integers as TensorFlow Lite Micro requantizes: by a mantissa of one half to one, then by
    a power of two, each of which rounds (gemmlowp's fixed point).

    Args:
        values: accumulators times ``multipliers``, which are one or one a channel (the last
            dimension).
    """
    _, exponents = torch.frexp(multipliers.detach())
    fine = torch.exp2(torch.clamp(-exponents, min=0).to(values.dtype))
    product = torch.floor(values.detach() * fine + 0.5) / fine  # half up
    return straight_through(values, _half_away(product))


class ActivationRange(torch.nn.Module):  # type: ignore[misc]  # as above
    """The range of int8 tensors that share one: per-tensor, with a zero point.

    ``low`` and ``high`` are what the ends are multiplied by, as logarithms. An end at 0 stays.
    """

    def __init__(self, start: Quantization, *, learned: bool) -> None:
        super().__init__()
        self._start_scale = torch.tensor(start.scale)
        self._below = float(start.zero_point - INT8_MIN)
        self._above = float(INT8_MAX - start.zero_point)
        self.low = torch.nn.Parameter(torch.zeros(()), requires_grad=learned)
        self.high = torch.nn.Parameter(torch.zeros(()), requires_grad=learned)

    def scale_and_zero_point(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of float32 both; the zero point is an integer."""
        below, above = self._below * torch.exp(self.low), self._above * torch.exp(self.high)
        ratio = (below + above) / STEPS
        return self._start_scale * ratio, rounded(INT8_MIN + below / ratio)

    def forward(
        self,
        values: torch.Tensor,
        *,
        half_to_even: bool = False,
        unit: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """``values`` as int8 would hold them.

        ``unit``: by whose ratio to the scale a kernel multiplies its integers, one or one a
        channel; None where it does not, or so finely that it does not show.
        """
        scale, zero_point = self.scale_and_zero_point()
        steps = values / scale
        if unit is not None:
            steps = rounded_twice(steps, unit / scale)
        else:
            steps = rounded(steps, half_to_even=half_to_even)
        steps = steps + zero_point
        return (torch.clamp(steps, INT8_MIN, INT8_MAX) - zero_point) * scale

    def quantization(self) -> Quantization:
        """As it is now."""
        with torch.no_grad():
            scale, zero_point = self.scale_and_zero_point()
        return Quantization(
            np.array([scale.item()], np.float32), np.array([int(zero_point)], np.int64)
        )


class WeightScales(torch.nn.Module):  # type: ignore[misc]  # as above
    """Symmetric weights, one scale or one a channel; ``largest`` is 127, or 7 of int4.

    ``scales`` are what the scales are multiplied by, as logarithms.
    """

    def __init__(self, start: Quantization, rank: int, largest: int) -> None:
        super().__init__()
        self._start = start
        self._start_scales = torch.from_numpy(usable_scales(start.scales))
        self._rank = rank
        self._largest = float(largest)
        self.scales = torch.nn.Parameter(torch.zeros(len(start.scales)))

    def now(self) -> torch.Tensor:
        """The scales, float32 [1] or [channels]."""
        return self._start_scales * torch.exp(self.scales)

    def steps(self, weights: torch.Tensor) -> torch.Tensor:
        """The integers that stand for ``weights``."""
        return torch.clamp(
            rounded(weights / self._along(weights), half_to_even=True),
            -self._largest,
            self._largest,
        )

    def forward(self, weights: torch.Tensor) -> torch.Tensor:
        """``weights`` as the integers hold them."""
        return self.steps(weights) * self._along(weights)

    def quantization(self) -> Quantization:
        """As it is now."""
        scales = self.now().detach().numpy().copy()
        return Quantization(scales, self._start.zero_points, self._start.axis)

    def _along(self, weights: torch.Tensor) -> torch.Tensor:
        shape = [1] * self._rank
        if self._start.per_channel:
            shape[self._start.axis] = -1
        return self.now().reshape(shape)
