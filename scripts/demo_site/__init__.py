"""The demo's site: a unit, a broker and a repository on loopback, run as their users would."""
