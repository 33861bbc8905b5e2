"""The capture daemon of a patrol car or pole, and the contract it speaks with the repository."""
