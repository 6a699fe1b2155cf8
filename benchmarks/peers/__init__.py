"""What the project is compared with, each as its users run it."""
