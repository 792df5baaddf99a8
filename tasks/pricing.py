"""What a batch costs, as arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.kit.money import Money, fee_on, hourly_pay, part_of


@dataclass(frozen=True, slots=True)
class Quote:
    """`seats` answers at `price` and `fee` each, and `pool_percent` of that on top."""

    seats: int
    price: Money
    fee: Money
    pool_percent: int

    @property
    def gross(self) -> Money:
        """What one answer costs the client."""
        return self.price + self.fee

    @property
    def base(self) -> Money:
        """All seats."""
        return self.gross * self.seats

    @property
    def pool(self) -> Money:
        """Kept for seats that have to be filled twice; rounded down."""
        return Money(self.base.minor * self.pool_percent // 100, self.base.currency)

    @property
    def total(self) -> Money:
        """What is reserved when the batch opens."""
        return self.base + self.pool

    def as_json(self) -> dict[str, object]:
        """The quote as it is frozen with the reservation."""
        return {
            "lines": [
                {
                    "kind": "answers",
                    "seats": self.seats,
                    "price_minor": self.price.minor,
                    "fee_minor": self.fee.minor,
                }
            ],
            "pool_percent": self.pool_percent,
            "base_minor": self.base.minor,
            "pool_minor": self.pool.minor,
            "currency": self.price.currency,
        }


def part(price: Money, *, percent: int, basis_points: int) -> tuple[Money, Money]:
    """Pay and fee of a part of the price."""
    pay = part_of(price, percent=percent)
    return pay, fee_on(pay, basis_points=basis_points)


def timed(cap: Money, *, rate: Money, seconds: int, basis_points: int) -> tuple[Money, Money]:
    """Pay and fee of measured time at an hourly rate, never above the price of the seat."""
    pay = min(cap, hourly_pay(rate, seconds=seconds))
    return pay, fee_on(pay, basis_points=basis_points)
