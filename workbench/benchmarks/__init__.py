"""What `workbench bench` measures: every figure is measured on this machine, after a warm-up."""
