"""From frames to plate readings: capture, detector, rectify, reader, tracker and vote."""
