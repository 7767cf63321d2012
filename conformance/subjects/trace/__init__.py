"""A recorded `.safetensors` trace as a subject."""
