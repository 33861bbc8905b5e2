"""Which units may send: agencies, enrolment, revocation, and the broker's access rules."""
