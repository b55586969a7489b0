# SPDX-License-Identifier: Apache-2.0
"""Everything that this package uses of Airflow beyond its public interface, and every switch between its versions.

A test keeps such imports out of all other folders. Nothing is imported before it is asked for: a Dag that imports this
package must not pay for the API server's libraries, and a name that some Airflow lacks costs what needs it, never a
wait.
"""
