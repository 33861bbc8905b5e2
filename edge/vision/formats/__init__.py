"""Detectors and readers that others trained, as the ONNX files that their exporters write."""
