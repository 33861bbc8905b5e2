"""A small drive made up for the demo: a drawn street, drawn cars and plates, a made-up GPS track.

Nothing here is a photograph or anybody's data. Every serial is drawn at random from a seed, in the
shape its state uses; a likeness to a plate that was really issued is chance.
"""
