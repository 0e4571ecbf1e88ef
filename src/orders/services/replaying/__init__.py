"""Replaying the invoices of another shop through the services of this one: call ``replay_invoices``."""

from orders.services.replaying.running import Replayed, ReplayWish, replay_invoices, sums_per_month

__all__ = ["ReplayWish", "Replayed", "replay_invoices", "sums_per_month"]
