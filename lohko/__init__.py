"""The application: wires assets, jobs, schedules and sensors, and is the command `lohko`."""
