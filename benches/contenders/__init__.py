"""What `compare_onnxruntime.py` compares: models, and the engines that run them."""
