"""Plate detector and reader built on the text models PP-OCRv6 (Apache-2.0, PaddlePaddle)."""
