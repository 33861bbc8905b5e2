"""Everything that administrators, agency heads and users do about people beside their accounts."""

from __future__ import annotations

from dataclasses import dataclass

from repository.accounts.bulletins_desk import Bulletins
from repository.accounts.login_requests_desk import LoginRequests
from repository.accounts.training_desk import Trainings
from repository.accounts.user_review_desk import UserReviews


@dataclass(frozen=True)
class People(LoginRequests, Trainings, UserReviews, Bulletins):
    """Requests for logins, training, reviews of the lists, and bulletins."""
